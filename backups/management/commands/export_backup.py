from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from backups.export_queries import Part
from backups.files import file_archive
from backups.management.output import TellingCommand, user_named


class Command(TellingCommand):
    help = "Write all that is kept of a user into an archive: memories, histories, apps, rules."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="the user_id of the user")
        parser.add_argument(
            "-o", "--output", type=Path, required=True, metavar="FILE", help="the archive to write"
        )
        parser.add_argument("--force", action="store_true", help="replace a file that is there")
        parser.add_argument("--no-vectors", action="store_true", help="leave out the vectors")
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        user, path = user_named(options["user"]), options["output"]
        with self.telling(f"export {user}", "rows", options) as progress:
            manifest = file_archive(
                user,
                path,
                part=Part(vectors=not options["no_vectors"]),
                progress=progress,
                replace=options["force"],
            )
        size = path.stat().st_size
        counts = manifest["counts"]
        self.tell(
            f"{path}: {counts['memories']:,} memories of {user}, {size:,} bytes.",
            {"file": str(path), "user_id": user.user_id, "size": size, "counts": counts},
            options,
        )
