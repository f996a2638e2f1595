from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from backups.management.output import ReportingCommand
from backups.schedule import back_up_all_users
from core import argument_types


class Command(ReportingCommand):
    help = "Write an archive of each user into a folder. Whom it fails for holds up nobody else."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="where to; made if it is missing")
        parser.add_argument(
            "--keep",
            type=argument_types.number(1),
            metavar="N",
            help="remove all but the N newest of each user",
        )
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        # Where there can be no folder there is one thing to say, and not one of each user.
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        failed = 0
        for outcome in back_up_all_users(
            folder,
            keep=options["keep"],
            progress_for=lambda user: self.show_progress(f"back up {user}", "rows", options),
        ):
            said = outcome.file or f"failed: {outcome.error}"
            facts = {"ok": outcome.error is None, **asdict(outcome)}
            self.report(f"{outcome.user_id}: {said}", facts, options)
            failed += outcome.error is not None
        if failed:
            raise CommandError(f"{failed} of the users could not be backed up.")
