from argparse import ArgumentParser
from pathlib import Path
from typing import IO, Any

from backups.management.output import ReportingCommand
from backups.verify import VerifiedArchive, try_restore, verify_archive


class Command(ReportingCommand):
    help = (
        "Prove that an archive is whole: its digests, its counts, every row, and that they agree "
        "with each other. With --restore, prove that all of it can be put back."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the archive")
        parser.add_argument(
            "--restore",
            action="store_true",
            help="import it into tables of its own and compare every row; they are dropped then",
        )
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        with path.open("rb") as file:
            verified = self._verify(file, options)
        memories = f"{verified.counts['memories']:,} memories of {verified.user_id}"
        restored = " All of it was restored, and compared row by row." if options["restore"] else ""
        self.report(
            f"{path} is whole: {memories}.{restored}",
            {
                "file": str(path),
                "user_id": verified.user_id,
                "counts": verified.counts,
                "restored": options["restore"],
            },
            options,
        )

    def _verify(self, file: IO[bytes], options: dict[str, Any]) -> VerifiedArchive:
        with self.show_progress("verify", "bytes", options) as progress:
            verified = verify_archive(file, progress=progress)
        if options["restore"]:
            with self.show_progress("restore", "bytes", options) as progress:
                try_restore(file, verified, progress=progress)
        return verified
