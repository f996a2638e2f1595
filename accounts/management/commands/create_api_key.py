from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from accounts import roles
from accounts.models import ApiKey, Scope, User
from accounts.models.user import check_user_id
from core import argument_types


class Command(BaseCommand):
    help = "Make an API key for a user and print it, alone on standard output. It is shown once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="the user_id the key is for")
        parser.add_argument("--create-user", action="store_true", help="make the user if missing")
        parser.add_argument("--operator", action="store_true", help="make the user an operator")
        parser.add_argument(
            "--app", type=argument_types.name, help="the only app that the key may act as; else any"
        )
        parser.add_argument("--name", type=argument_types.name, help="what the key is for")
        parser.add_argument(
            "--expires",
            type=argument_types.number(1, 36_500),
            metavar="DAYS",
            help="days until it expires, 36500 at most",
        )
        parser.add_argument("--read-only", action="store_true", help="a key that cannot write")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        user = self._user(options["user"], create=options["create_user"])
        if options["operator"] and not user.is_operator:
            roles.make_operator(user)
            self.stderr.write(f"{user} is an operator now.")
        _, secret = ApiKey.objects.issue(
            user=user,
            name=options["name"] or "",
            app_name=options["app"] or "",
            scopes=[Scope.READ] if options["read_only"] else [Scope.READ, Scope.WRITE],
            expires_at=_expiry(options["expires"]),
        )
        self.stdout.write(secret)

    def _user(self, user_id: str, *, create: bool) -> User:
        try:
            return User.objects.get(user_id=user_id)
        except User.DoesNotExist:
            if not create:
                raise CommandError(
                    f"There is no user {user_id!r}. Make one with --create-user."
                ) from None
        try:
            check_user_id(user_id)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        return User.objects.create_user(user_id)


def _expiry(days: int | None) -> Any:
    if days is None:
        return None
    return timezone.now() + timedelta(days=days)
