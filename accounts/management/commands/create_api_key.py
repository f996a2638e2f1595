from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from accounts import operating
from accounts.models import ApiKey, Scope, User
from accounts.models.user import check_user_id

_LONGEST_NAME = 255


class Command(BaseCommand):
    help = "Make an API key for a user and print it, alone on standard output. It is shown once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="the user_id the key is for")
        parser.add_argument("--create-user", action="store_true", help="make the user if missing")
        parser.add_argument("--operator", action="store_true", help="make the user an operator")
        parser.add_argument("--app", help="the only app that the key may act as")
        parser.add_argument("--name", default="", help="what the key is for")
        parser.add_argument("--expires", type=int, metavar="DAYS", help="days until it expires")
        parser.add_argument("--read-only", action="store_true", help="a key that cannot write")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        _check_names(app=options["app"], name=options["name"])
        user = self._user(options["user"], create=options["create_user"])
        if options["operator"] and not user.is_operator:
            operating.promote(user)
            self.stderr.write(f"{user} is an operator now.")
        _, secret = ApiKey.objects.issue(
            user=user,
            name=options["name"],
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


def _check_names(*, app: str | None, name: str) -> None:
    # An empty name is that of a variable that was not set: a key that may act as any app is more
    # than was asked for.
    if app is not None and not app.strip():
        raise CommandError("--app takes the name of an app. Without --app a key may act as any.")
    for option, given in (("--app", app or ""), ("--name", name)):
        if len(given) > _LONGEST_NAME:
            raise CommandError(f"{option} takes at most {_LONGEST_NAME} characters.")


def _expiry(days: int | None) -> Any:
    if days is None:
        return None
    if not 1 <= days <= 36_500:
        raise CommandError("--expires takes 1 to 36500 days.")
    return timezone.now() + timedelta(days=days)
