from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from backups.schedule import back_up_all_users
from core import argument_types
from core.command_output import ReportingCommand


class Command(ReportingCommand):
    help = "Back up each user to a folder. A failure does not stop the backups of others."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="the folder, created if it is missing")
        parser.add_argument(
            "--keep",
            type=argument_types.number(1),
            metavar="N",
            help="remove all but the N newest of each user",
        )
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        # Fails once if the folder cannot be created, rather than once for each user.
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        failed = 0
        for outcome in back_up_all_users(
            folder,
            keep=options["keep"],
            progress_for=lambda user: self.show_progress(f"back up {user}", "rows", options),
        ):
            result = outcome.file or f"failed: {outcome.error}"
            facts = {"ok": outcome.error is None, **asdict(outcome)}
            self.report(f"{outcome.user_id}: {result}", facts, options)
            failed += outcome.error is not None
        if failed:
            raise CommandError(f"{failed} of the users could not be backed up.")
