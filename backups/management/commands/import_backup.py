from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from accounts.models import User
from accounts.models.user import validate_user_id
from backups.importing import Mode, import_archive
from backups.management.telling import TellingCommand, user_named


class Command(TellingCommand):
    help = "Put back what an archive holds, all of it or nothing: of this server or the original."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the archive")
        parser.add_argument("--user", required=True, help="the user_id to import it into")
        parser.add_argument(
            "--mode",
            choices=[str(mode) for mode in Mode],
            default=str(Mode.OVERWRITE),
            help="what becomes of memories that are there already",
        )
        parser.add_argument("--create-user", action="store_true", help="make the user if missing")
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        user = _user(options["user"], create=options["create_user"])
        with (
            path.open("rb") as file,
            self.telling(f"import into {user}", "bytes", options) as progress,
        ):
            imported = import_archive(
                file, user=user, mode=Mode(options["mode"]), by=user, progress=progress
            )
        sentence = (
            f"{path}: of its memories {imported['memories_created']:,} were made,"
            f" {imported['memories_updated']:,} changed and {imported['memories_unchanged']:,} left"
            f" as they were, of {user}."
        )
        if imported["job"]:
            sentence += " What has no vector yet is embedded while the server runs."
        self.tell(sentence, {"file": str(path), **imported}, options)


def _user(user_id: str, *, create: bool) -> User:
    if not create or User.objects.filter(user_id=user_id).exists():
        return user_named(user_id)
    try:
        validate_user_id(user_id)
    except ValidationError as error:
        raise CommandError(error.message) from error
    # Stored with what is imported, or not at all.
    user = User(user_id=user_id)
    user.set_unusable_password()
    return user
