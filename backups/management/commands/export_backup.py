from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from accounts.subjects import get_user
from backups.export_queries import ExportFilters
from backups.files import write_archive_file, write_markdown_file
from backups.jobs import ExportFormat
from core.command_output import ReportingCommand
from core.quantities import with_noun


class Command(ReportingCommand):
    help = "Export all the data of a user into an archive, or the memories as Markdown."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="the user_id of the user")
        parser.add_argument(
            "-o", "--output", type=Path, required=True, metavar="FILE", help="the archive to write"
        )
        parser.add_argument("--force", action="store_true", help="replace an existing file")
        parser.add_argument("--no-vectors", action="store_true", help="leave out the vectors")
        parser.add_argument(
            "--format",
            choices=[str(each) for each in ExportFormat],
            default=str(ExportFormat.ARCHIVE),
            help="an archive of everything, or a ZIP with a Markdown file for each memory",
        )
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        user, path = get_user(options["user"]), options["output"]
        counts: Mapping[str, int]
        with self.show_progress(f"export {user}", "rows", options) as progress:
            if options["format"] == ExportFormat.MARKDOWN:
                count = write_markdown_file(user, path, progress=progress, replace=options["force"])
                counts = {"memories": count}
            else:
                filters = ExportFilters(vectors=not options["no_vectors"])
                counts = write_archive_file(
                    user, path, filters=filters, progress=progress, replace=options["force"]
                ).counts
        size = path.stat().st_size
        memories = with_noun(counts["memories"], "memory", "memories")
        self.report(
            f"{path}: {memories} of {user}, {size:,} bytes.",
            {"file": str(path), "user_id": user.user_id, "size": size, "counts": counts},
            options,
        )
