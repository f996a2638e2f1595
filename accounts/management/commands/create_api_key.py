from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.db import transaction
from django.utils import timezone

from accounts.models import ApiKey, Scope, User
from accounts.models.api_key import EndUsersNotNamed
from accounts.models.user import check_user_id
from accounts.roles import make_operator
from accounts.subjects import UserNotFound, get_user
from core import argument_types
from core.command_output import ReportingCommand, add_json_option


class Command(ReportingCommand):
    help = "Create an API key for a user and print it to standard output. It is only shown once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="user_id of the user")
        parser.add_argument("--create-user", action="store_true", help="create the user if missing")
        parser.add_argument("--operator", action="store_true", help="make the user an operator")
        parser.add_argument("--app", type=argument_types.name, help="bind the key to this app")
        parser.add_argument("--name", type=argument_types.name, help="what the key is for")
        parser.add_argument(
            "--expires",
            type=argument_types.number(1, 36_500),
            metavar="DAYS",
            help="days until it expires, 36500 at most",
        )
        parser.add_argument(
            "--read-only", action="store_true", help="create a key with only the read scope"
        )

        parser.add_argument(
            "--end-users",
            action="store_true",
            help="let the key name end users of the user by any `user_id`, and no other user",
        )
        parser.add_argument(
            "--pinned", action="store_true", help="let the key reach nobody but its own user"
        )
        add_json_option(parser)

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        user = self._get_or_create_user(options["user"], create=options["create_user"])
        if options["end_users"] and (options["pinned"] or user.owner_id is not None):
            raise CommandError(str(EndUsersNotNamed()))
        if options["operator"] and user.owner_id is not None:
            raise CommandError("An end user cannot be an operator.")
        if options["operator"] and not user.is_operator:
            make_operator(user)
            self.stderr.write(f"{user} is now an operator.")
        key, secret = ApiKey.objects.issue(
            user=user,
            name=options["name"] or "",
            app_name=options["app"] or "",
            scopes=[Scope.READ] if options["read_only"] else [Scope.READ, Scope.WRITE],
            expires_at=_expires_at(options["expires"]),
            names_end_users=options["end_users"],
            is_pinned=options["pinned"],
        )
        facts = {
            "user_id": user.named_id,
            "id": key.pk,
            "key": secret,
            "app": key.app_name or None,
            "scopes": key.scopes,
            "expires_at": key.expires_at and key.expires_at.isoformat(),
        }
        self.report(secret, facts, options)

    def _get_or_create_user(self, user_id: str, *, create: bool) -> User:
        try:
            return get_user(user_id)
        except UserNotFound:
            if not create:
                raise CommandError(
                    f"User {user_id!r} does not exist. Create it with --create-user."
                ) from None
        try:
            check_user_id(user_id)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        return User.objects.create_user(user_id)


def _expires_at(days: int | None) -> Any:
    if days is None:
        return None
    return timezone.now() + timedelta(days=days)
