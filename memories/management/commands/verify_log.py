import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from accounts.models import User
from core.command_output import ReportingCommand, add_json_option
from core.printable import escape_unprintable
from core.quantities import with_noun
from memories.change_log.chain_check import find_faults, find_logged_users
from memories.models import LogLine

# Faults that are listed of one user.
LISTED = 20


class Command(ReportingCommand):
    help = (
        "Verify the log of a user, or of all users: that no line was changed, removed or added, "
        "and that each memory is as its last line says. The exit code is 1 if there are faults."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", nargs="?", help="the user_id of one user (default: all)")
        add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        user_ids = [_find_user(options["user"]).pk] if options["user"] else find_logged_users()
        names = dict(User.objects.filter(pk__in=user_ids).values_list("pk", "user_id"))
        faulty: dict[str, list[str]] = {}
        for user_id in user_ids:
            if faults := find_faults(user_id, limit=LISTED + 1):
                name = escape_unprintable(names.get(user_id, f"{user_id} (erased)"))
                faulty[name] = [str(fault) for fault in faults[:LISTED]]
                faulty[name] += ["there are more faults."] if len(faults) > LISTED else []
        lines = LogLine.objects.filter(user_id__in=user_ids).count()
        users = with_noun(len(user_ids), "user")
        summary = f"The logs of {users} are intact: {with_noun(lines, 'line')}."
        if faulty:
            listed = [f"{name}: {fault}" for name, own in faulty.items() for fault in own]
            summary = f"The logs of {len(faulty):,} of {users} have faults."
            summary = "\n".join([*map(self.style.ERROR, listed), summary])
        facts = {"ok": not faulty, "users": len(user_ids), "lines": lines, "faults": faulty}
        self.report(summary, facts, options)
        if faulty:
            sys.exit(1)


def _find_user(user_id: str) -> User:
    try:
        return User.objects.get(user_id=user_id)
    except User.DoesNotExist:
        raise CommandError(f"There is no user {user_id!r}.") from None
