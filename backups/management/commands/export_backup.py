from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from accounts.subjects import get_user
from backups.export_queries import ExportFilters
from backups.files import write_archive_file
from core.command_output import ReportingCommand


class Command(ReportingCommand):
    help = "Export all the data of a user into an archive."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="the user_id of the user")
        parser.add_argument(
            "-o", "--output", type=Path, required=True, metavar="FILE", help="the archive to write"
        )
        parser.add_argument("--force", action="store_true", help="replace an existing file")
        parser.add_argument("--no-vectors", action="store_true", help="leave out the vectors")
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        user, path = get_user(options["user"]), options["output"]
        with self.show_progress(f"export {user}", "rows", options) as progress:
            manifest = write_archive_file(
                user,
                path,
                filters=ExportFilters(vectors=not options["no_vectors"]),
                progress=progress,
                replace=options["force"],
            )
        size = path.stat().st_size
        counts = manifest.counts
        self.report(
            f"{path}: {counts['memories']:,} memories of {user}, {size:,} bytes.",
            {"file": str(path), "user_id": user.user_id, "size": size, "counts": counts},
            options,
        )
