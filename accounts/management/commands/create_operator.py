from __future__ import annotations

import getpass
import secrets
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.db import transaction

from accounts.models import User
from accounts.models.user import check_user_id
from accounts.person_access import server_url
from accounts.roles import make_operator, make_read_only_operator
from core.command_output import ReportingCommand, add_json_option


class Command(ReportingCommand):
    help = (
        "Create an operator who can sign in to the admin, or make an existing user one. Sets a new "
        "password."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "user",
            nargs="?",
            default=settings.DEFAULT_USER,
            help="user_id to sign in with (default: %(default)s)",
        )
        parser.add_argument("--read-only", action="store_true", help="grant read access only")
        parser.add_argument(
            "--generate", action="store_true", help="generate a password and print it once"
        )
        add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        user_id: str = options["user"]
        user = User.objects.filter(user_id=user_id).first() or self._build_user(user_id)
        if not user.is_active:
            raise CommandError(
                f"{user} is deactivated. An operator can reactivate the user in the admin."
            )
        interactive = sys.stdin.isatty() and not options["generate"]
        password = _prompt_password(user) if interactive else None
        generated = password is None
        password = password or secrets.token_urlsafe(15)
        with transaction.atomic():
            user.set_password(password)
            user.save()
            assign_role = make_read_only_operator if options["read_only"] else make_operator
            assign_role(user)
        if generated:
            self.stderr.write(f"Password of {user}, only shown once:")
        if generated or options["json"]:
            facts = {"user_id": user.named_id, "password": password if generated else None}
            self.report(password, {**facts, "admin": _admin_url()}, options)
        self.stderr.write(f"{user} can sign in at {_admin_url()}.")

    def _build_user(self, user_id: str) -> User:
        try:
            check_user_id(user_id)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        return User(user_id=user_id)


def _prompt_password(user: User) -> str | None:
    """Prompt for a password. None if the user leaves it empty to have one generated."""
    while password := getpass.getpass(f"Password of {user} (leave empty to generate one): "):
        try:
            validate_password(password, user)
        except ValidationError as error:
            print("\n".join(error.messages), file=sys.stderr)
            continue
        if getpass.getpass("Password (again): ") == password:
            return password
        print("The passwords do not match.", file=sys.stderr)
    return None


def _admin_url() -> str:
    return f"{server_url()}{settings.ADMIN_PATH}/"
