from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError

from accounts.models import User
from accounts.models.user import check_user_id
from accounts.subjects import get_user
from backups.importing import Mode, dry_run_import, import_archive
from core.command_output import ReportingCommand
from core.errors import Malformed
from core.quantities import with_noun


class Command(ReportingCommand):
    help = "Import an archive of this server or of the original one. The import is atomic."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the archive")
        parser.add_argument("--user", required=True, help="the user_id to import it into")
        parser.add_argument(
            "--mode",
            choices=[str(mode) for mode in Mode],
            default=str(Mode.OVERWRITE),
            help="what happens to memories that exist already",
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="report what an import would do",
        )
        parser.add_argument("--create-user", action="store_true", help="create the user if missing")
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        user = _user(options["user"], create=options["create_user"])
        with (
            path.open("rb") as file,
            self.show_progress(f"import into {user}", "bytes", options) as progress,
        ):
            run = dry_run_import if options["dry_run"] else import_archive
            result = run(file, user=user, mode=Mode(options["mode"]), by=user, progress=progress)
        summarize = _summarize_dry_run if options["dry_run"] else _summarize
        self.report(f"{path}: {summarize(result, user)}", {"file": str(path), **result}, options)


def _summarize(result: dict[str, Any], user: User) -> str:
    sentence = (
        f"of its memories, {result['memories_created']:,} were created,"
        f" {result['memories_updated']:,} updated and {result['memories_unchanged']:,} left"
        f" unchanged, for {user}."
    )
    if result["job"]:
        sentence += " A job of the server adds the vectors that are missing."
    return sentence


def _summarize_dry_run(result: dict[str, Any], user: User) -> str:
    return (
        f"an import would create {_memories(result['memories_created'])} of {user},"
        f" {with_noun(result['apps_created'], 'app')} and"
        f" {with_noun(result['categories_created'], 'category', 'categories')}, update"
        f" {_memories(result['memories_updated'])} and {with_noun(result['apps_updated'], 'app')},"
        f" and leave {_memories(result['memories_unchanged'])} unchanged. This was a dry run."
    )


def _memories(number: int) -> str:
    return with_noun(number, "memory", "memories")


def _user(user_id: str, *, create: bool) -> User:
    if not create or User.objects.filter(user_id=user_id).exists():
        return get_user(user_id)
    try:
        check_user_id(user_id)
    except ValidationError as error:
        raise Malformed(" ".join(error.messages)) from error
    # Saved with the imported data, or not at all.
    user = User(user_id=user_id)
    user.set_unusable_password()
    return user
