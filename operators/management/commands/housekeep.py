from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.db import transaction

from core.command_output import ReportingCommand
from operators import housekeeping
from operators.chores import CHORES, Chore


class Command(ReportingCommand):
    help = (
        "Run the chores: apply archive policies; purge memories deleted long ago; remove old "
        "accesses, jobs and sessions, and unused categories and indexes; vacuum. The server runs "
        "them periodically by itself. Running them again is harmless."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only show what there is to do")
        parser.add_argument(
            "--only",
            nargs="+",
            default=[],
            choices=[chore.name for chore in CHORES],
            metavar="CHORE",
            help=", ".join(f"{chore.name}: {chore.description}" for chore in CHORES),
        )
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        only = options["only"]
        for chore in [chore for chore in CHORES if not only or chore.name in only]:
            counts = chore.count_due() if options["dry_run"] else self._run(chore, options)
            counts = +counts
            summary = ", ".join(f"{rows:,} {model}" for model, rows in sorted(counts.items()))
            self.report(
                f"{chore.name}: {summary or 'nothing'}{' to do' if options['dry_run'] else ''}",
                {"chore": chore.name, "dry_run": options["dry_run"], "counts": counts},
                options,
            )

    def _run(self, chore: Chore, options: dict[str, Any]) -> Counter[str]:
        total_counts: Counter[str] = Counter()
        total = chore.count_due().total()
        with housekeeping.hold_lock(), self.show_progress(chore.name, "rows", options) as progress:
            for counts in chore.run(transaction.atomic):
                total_counts += counts
                progress(min(total_counts.total(), total), total)
        return total_counts
