from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.db import transaction

from backups.management.output import ReportingCommand
from operators import housekeeping
from operators.chores import CHORES, Chore


class Command(ReportingCommand):
    help = (
        "Clear up: archive what policies say, purge what was deleted long ago, forget old "
        "accesses, jobs and sessions, drop categories and indexes that nobody needs, vacuum. The "
        "server does all of it by itself from time to time; to do it twice does no harm."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what there is to do")
        parser.add_argument(
            "--only",
            nargs="+",
            default=[],
            choices=[chore.name for chore in CHORES],
            metavar="CHORE",
            help=", ".join(f"{chore.name}: {chore.says}" for chore in CHORES),
        )
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        only = options["only"]
        for chore in [chore for chore in CHORES if not only or chore.name in only]:
            counts = chore.due() if options["dry_run"] else self._do(chore, options)
            counts = +counts
            said = ", ".join(f"{rows:,} {what}" for what, rows in sorted(counts.items()))
            self.report(
                f"{chore.name}: {said or 'nothing'}{' to do' if options['dry_run'] else ''}",
                {"chore": chore.name, "dry_run": options["dry_run"], "counts": counts},
                options,
            )

    def _do(self, chore: Chore, options: dict[str, Any]) -> Counter[str]:
        done: Counter[str] = Counter()
        total = chore.due().total()
        with housekeeping.alone(), self.show_progress(chore.name, "rows", options) as progress:
            for counts in chore.do(transaction.atomic):
                done += counts
                progress(min(done.total(), total), total)
        return done
