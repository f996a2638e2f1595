import sys
from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import CommandError

from accounts.models import User
from accounts.subjects import get_user
from core.command_output import ReportingCommand
from operators import erase, personal_data
from operators.belongings import count_belongings
from operators.erase import ReportStep


class Command(ReportingCommand):
    help = (
        "Erase a user: everything stored about them, in every table, file and queue, and their "
        "backups in OPENMEMORY_BACKUP_FOLDER. This cannot be undone. Only a receipt with ids and "
        "counts remains. Run it again to resume after an interruption."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="user_id of the user")
        parser.add_argument("--dry-run", action="store_true", help="only show what would be erased")
        parser.add_argument("--yes", action="store_true", help="skip the confirmation")
        parser.add_argument(
            "--scrub",
            action="store_true",
            help="also rewrite all tables, and the WAL of an embedded database, so that no data is "
            "left in their files. Memories cannot be read or written meanwhile",
        )
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        user = get_user(options["user"])
        if options["dry_run"]:
            self._report(
                "would be erased",
                count_belongings(user),
                personal_data.describe_unreachable_data(user),
                options,
            )
            return
        if not options["yes"]:
            _confirm(user)
        report = _ignore if options["quiet"] else _step_printer()
        erasure = erase.erase_user(user, by=None, scrub=options["scrub"], report=report)
        facts = {"receipt": str(erasure.act)}
        self._report("erased", erasure.counts, erasure.remarks, options, **facts)

    def _report(
        self,
        outcome: str,
        counts: Counter[str],
        remarks: list[str],
        options: dict[str, Any],
        **facts: str,
    ) -> None:
        rows = "\n".join(f"{rows:>12,} {name}" for name, rows in sorted((+counts).items()))
        remark_lines = "\n".join(f"- {remark}" for remark in remarks)
        sentence = f"{options['user']}: {outcome}\n{rows}\nNot reached:\n{remark_lines}"
        if facts:
            sentence += f"\nReceipt: {facts['receipt']}"
        erased = not options["dry_run"]
        self.report(
            sentence, {"erased": erased, "counts": +counts, "remarks": remarks, **facts}, options
        )


def _ignore(step: str) -> None:
    """Report nothing."""


def _step_printer() -> ReportStep:
    """Report each step on standard error, and repetitions only once."""
    last_step = ""

    def report(step: str) -> None:
        nonlocal last_step
        if step != last_step:
            last_step = step
            sys.stderr.write(f"{step} …\n")

    return report


def _confirm(user: User) -> None:
    """Ask for the user_id to be typed again. Raises CommandError."""
    if not sys.stdin.isatty():
        raise CommandError("Nothing was erased. Without a terminal, confirm with --yes.")
    if input(f"Type {user.path} to erase all data of this user: ") != user.path:
        raise CommandError("Nothing was erased.")
