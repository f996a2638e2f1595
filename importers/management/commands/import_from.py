from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from accounts.subjects import get_user
from core.command_output import ReportingCommand
from core.quantities import with_noun
from importers.import_records import Import
from importers.pack_folder import open_packed
from importers.source import Part
from importers.sources import AUTO, NAMES, SOURCES


class Command(ReportingCommand):
    help = (
        "Import memories and conversations from another product. Times are kept, and what was "
        "imported before is left as it is. `auto` finds out what wrote the file. "
        + " ".join(f"{each.name}: {each.files}." for each in SOURCES.values())
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", choices=NAMES, metavar="SOURCE", help=", ".join(NAMES))
        parser.add_argument("file", type=Path, metavar="FILE", help="the file, or a folder")
        parser.add_argument("--user", required=True, help="the user_id that gets the memories")
        parser.add_argument("--dry-run", action="store_true", help="report what would be imported")
        parser.add_argument(
            "--leave-out",
            action="append",
            default=[],
            choices=[str(part) for part in Part],
            help="of conversations, the person's messages or the assistant's answers; or the "
            "memories. Repeat it for several",
        )
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        user = get_user(options["user"])
        with (
            open_packed(path) as file,
            self.show_progress(f"import into {user}", "bytes", options) as progress,
        ):
            job = Import(
                file,
                path.name,
                options["source"],
                user,
                by=user,
                leave_out=[Part(name) for name in options["leave_out"]],
                progress=progress,
            )
            result = job.try_out() if options["dry_run"] else job.run()
        facts = {"file": str(path), **result, "dry_run": options["dry_run"]}
        self.report(_summarize(result, options["dry_run"]), facts, options)


def _summarize(result: dict[str, Any], is_dry_run: bool) -> str:
    title = SOURCES[result["source"]].title if result["source"] != AUTO else ""
    created = "would be created" if is_dry_run else "created"
    lines = [
        f"From {title}: {with_noun(result['memories_created'], 'memory', 'memories')} {created}, "
        f"{result['memories_unchanged']:,} already here, {result['repeated']:,} twice in the "
        f"file, {result['empty']:,} without a text, {result['left_out']:,} left out."
    ]
    if result["not_kept"]:
        lines.append(f"{result['not_kept']:,} are of categories that the user does not keep.")
    lines += [
        f"  {each['created_at'] or '-':<25.25}  {each['text']}" for each in result.get("sample", [])
    ]
    return "\n".join(lines)
