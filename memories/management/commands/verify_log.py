import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from core.printable import escape_unprintable
from memories.change_log.chain_check import find_faults, find_logged_users
from memories.models import LogLine

# Faults that are listed of one user.
LISTED = 20


class Command(BaseCommand):
    help = (
        "Verify the log of a user, or of all users: that no line was changed, removed or added, "
        "and that each memory is as its last line says. The exit code is 1 if there are faults."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", nargs="?", help="the user_id of one user (default: all)")

    def handle(self, *args: Any, **options: Any) -> None:
        user_ids = [_find_user(options["user"]).pk] if options["user"] else find_logged_users()
        names = dict(User.objects.filter(pk__in=user_ids).values_list("pk", "user_id"))
        faulty = 0
        for user_id in user_ids:
            faults = find_faults(user_id, limit=LISTED + 1)
            faulty += bool(faults)
            name = escape_unprintable(names.get(user_id, f"{user_id} (erased)"))
            for fault in faults[:LISTED]:
                self.stdout.write(self.style.ERROR(f"{name}: {fault}"))
            if len(faults) > LISTED:
                self.stdout.write(f"{name}: there are more faults.")
        if faulty:
            self.stdout.write(f"The logs of {faulty:,} of {len(user_ids):,} users have faults.")
            sys.exit(1)
        lines = LogLine.objects.filter(user_id__in=user_ids).count()
        self.stdout.write(f"The logs of {len(user_ids):,} users are intact: {lines:,} lines.")


def _find_user(user_id: str) -> User:
    try:
        return User.objects.get(user_id=user_id)
    except User.DoesNotExist:
        raise CommandError(f"There is no user {user_id!r}.") from None
