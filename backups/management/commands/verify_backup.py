from argparse import ArgumentParser
from pathlib import Path
from typing import IO, Any

from backups.verify import VerifiedArchive, try_restore, verify_archive
from core.command_output import ReportingCommand
from core.quantities import with_noun


class Command(ReportingCommand):
    help = (
        "Verify an archive: its digests and counts, every row, and that the rows agree with each "
        "other. With --restore, restore it into scratch tables as well."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the archive")
        parser.add_argument(
            "--restore",
            action="store_true",
            help="import it into scratch tables, compare every row, and drop them",
        )
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        with path.open("rb") as file:
            verified = self._verify(file, options)
        memories = with_noun(verified.counts["memories"], "memory", "memories")
        memories = f"{memories} of {verified.user_id}"
        restored = " All of it was restored and compared row by row." if options["restore"] else ""
        self.report(
            f"{path} is intact: {memories}.{restored}",
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
