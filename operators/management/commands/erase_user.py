import sys
from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import CommandError

from accounts.models import User
from backups.management.output import ReportingCommand, get_user
from operators import erase, personal_data
from operators.erase import Telling


class Command(ReportingCommand):
    help = (
        "Erase a user: everything that is kept of them, in every table, file and queue, and their "
        "backups in OPENMEMORY_BACKUP_FOLDER. It cannot be undone. What is left is a receipt of "
        "ids and counts. Given again, it goes on where it was broken off."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="the user_id of the user")
        parser.add_argument("--dry-run", action="store_true", help="only say what there is")
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument(
            "--scrub",
            action="store_true",
            help="write all tables, and the log of an embedded database, anew, so that nothing is "
            "left in their files: nobody reads or writes memories meanwhile",
        )
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        user = get_user(options["user"])
        if options["dry_run"]:
            self._say(
                "would be erased", erase.plan(user), personal_data.out_of_reach(user), options
            )
            return
        if not options["yes"]:
            _confirm(user)
        telling = _silent if options["quiet"] else _teller()
        erased = erase.erase(user, by=None, scrub=options["scrub"], telling=telling)
        facts = {"receipt": str(erased.act)}
        self._say("erased", erased.counts, erased.remarks, options, **facts)

    def _say(
        self,
        what: str,
        counts: Counter[str],
        remarks: list[str],
        options: dict[str, Any],
        **facts: str,
    ) -> None:
        rows = "\n".join(f"{rows:>12,} {name}" for name, rows in sorted((+counts).items()))
        beyond = "\n".join(f"- {remark}" for remark in remarks)
        sentence = f"{options['user']}: {what}\n{rows}\nWhat this does not reach:\n{beyond}"
        if facts:
            sentence += f"\nReceipt: {facts['receipt']}"
        done = not options["dry_run"]
        self.report(
            sentence, {"erased": done, "counts": +counts, "remarks": remarks, **facts}, options
        )


def _silent(what: str) -> None:
    """Tell nobody."""


def _teller() -> Telling:
    """Tell on standard error what is done, a line each, and the same once."""
    told = ""

    def tell(what: str) -> None:
        nonlocal told
        if what != told:
            told = what
            sys.stderr.write(f"{what} …\n")

    return tell


def _confirm(user: User) -> None:
    """Have the name typed once more. Raises CommandError."""
    if not sys.stdin.isatty():
        raise CommandError("Nothing was erased: nobody is there to ask. Say --yes if you mean it.")
    if input(f"Type {user.user_id} to erase all that is kept of them: ") != user.user_id:
        raise CommandError("Nothing was erased.")
