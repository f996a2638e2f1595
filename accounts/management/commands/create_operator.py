from __future__ import annotations

import getpass
import secrets
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts import roles
from accounts.models import User
from accounts.models.user import check_user_id


class Command(BaseCommand):
    help = (
        "Let somebody sign in to the admin: makes the user if there is none, and gives them a "
        "password, which replaces the one they had."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "user",
            nargs="?",
            default=settings.DEFAULT_USER,
            help="the user_id to sign in with; by default %(default)s",
        )
        parser.add_argument(
            "--read-only", action="store_true", help="let them see everything and change nothing"
        )
        parser.add_argument(
            "--generate", action="store_true", help="make up a password and print it, once"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user_id: str = options["user"]
        user = User.objects.filter(user_id=user_id).first() or self._new(user_id)
        if not user.is_active:
            raise CommandError(
                f"{user} is deactivated. An operator can activate them in the admin."
            )
        asks = sys.stdin.isatty() and not options["generate"]
        password = _ask(user) if asks else None
        generated = password is None
        password = password or secrets.token_urlsafe(15)
        with transaction.atomic():
            user.set_password(password)
            user.save()
            operate = roles.make_read_only_operator if options["read_only"] else roles.make_operator
            operate(user)
        if generated:
            self.stderr.write(f"The password of {user}, which is shown this once:")
            self.stdout.write(password)
        self.stderr.write(f"{user} signs in at {_address()}.")

    def _new(self, user_id: str) -> User:
        try:
            check_user_id(user_id)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        return User(user_id=user_id)


def _ask(user: User) -> str | None:
    """A password from the terminal, or None when one is to be made up."""
    while password := getpass.getpass(f"Password of {user} (empty: make one up): "):
        try:
            validate_password(password, user)
        except ValidationError as error:
            print("\n".join(error.messages), file=sys.stderr)
            continue
        if getpass.getpass("Once more: ") == password:
            return password
        print("That was another one.", file=sys.stderr)
    return None


def _address() -> str:
    if public := settings.PUBLIC_ADDRESS:
        return f"{public.origin}{settings.ADMIN_PATH}/"
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.HOST, settings.HOST)  # noqa: S104
    return f"http://{host}:{settings.PORT}{settings.ADMIN_PATH}/"
