from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from core.command_output import ReportingCommand, add_json_option
from core.quantities import with_noun
from embedded.ownership import Ownership
from embedded.state_folder import list_dumps
from server import database_dump


class Command(ReportingCommand):
    help = (
        "Say what the next start of this release will change in the database. It changes it by "
        "itself, after a dump. `--restore` takes that back, before a return to the former release."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        action = parser.add_mutually_exclusive_group()
        action.add_argument("--check", action="store_true", help="change nothing: the default")
        action.add_argument("--dump", action="store_true", help="write a dump now")
        action.add_argument(
            "--restore",
            metavar="FILE",
            help="replace the database by this dump, or the newest by `latest`",
        )
        add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.DATABASE_URL and (options["dump"] or options["restore"]):
            raise CommandError(
                "The database is not the embedded one: use its own pg_dump and pg_restore."
            )
        if options["restore"]:
            self._restore(options)
            return
        written = database_dump.dump_database() if options["dump"] else None
        self._check(written, options)

    def _check(self, written: Path | None, options: dict[str, Any]) -> None:
        pending = database_dump.list_pending_migrations()
        dumps = (
            [] if settings.DATABASE_URL else [str(file) for file in list_dumps(settings.STATE_DIR)]
        )
        is_new = database_dump.is_new()
        lines = [f"Wrote {written}"] if written else []
        if is_new:
            lines.append("There is no database yet: the next start makes it.")
        elif not pending:
            lines.append(f"The database is that of release {settings.VERSION}: nothing to do.")
        else:
            lines += _describe_migrations(pending)
        lines += [f"A dump from before an upgrade: {dump}" for dump in dumps]
        facts = {
            "version": settings.VERSION,
            "is_new": is_new,
            "migrations": pending,
            "dumps": dumps,
            **({"written": str(written)} if written else {}),
        }
        self.report("\n".join(lines), facts, options)

    def _restore(self, options: dict[str, Any]) -> None:
        owner = Ownership(settings.STATE_DIR).owner()
        if owner and owner.address:
            raise CommandError(f"Stop the server first: process {owner.pid}, at {owner.address}.")
        name, dumps = options["restore"], list_dumps(settings.STATE_DIR)
        if name == "latest" and not dumps:
            raise CommandError("There is no dump from before an upgrade.")
        file = dumps[0] if name == "latest" else Path(name).expanduser()
        if not file.is_file():
            raise CommandError(f"There is no file {file}.")
        database_dump.restore_dump(file)
        sentence = (
            f"The database is as it was when {file} was written. What was stored since is gone. "
            "Install the former release before the next start: this one would upgrade it again."
        )
        self.report(sentence, {"restored": str(file)}, options)


def _describe_migrations(pending: list[str]) -> list[str]:
    if settings.DATABASE_URL:
        then = "Back up the database, then run `manage.py migrate`."
    elif settings.DUMP_BEFORE_UPGRADE:
        then = "The next start does so, and writes a dump of the database first."
    else:
        then = "The next start does so without a dump: OPENMEMORY_DUMP_BEFORE_UPGRADE is off."
    applied = f"Release {settings.VERSION} will apply {with_noun(len(pending), 'migration')}:"
    return [applied, *(f"  {name}" for name in pending), then]
