import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from embedded.ownership import Ownership
from embedded.state_folder import list_dumps
from server import database_dump


class Command(BaseCommand):
    help = (
        "Say what the next start of this release will change in the database. It changes it by "
        "itself, after a dump. `--restore` takes that back, before a return to the former release."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing: the default")
        parser.add_argument("--dump", action="store_true", help="write a dump now")
        parser.add_argument(
            "--restore",
            metavar="FILE",
            help="replace the database by this dump, or the newest by `latest`",
        )
        parser.add_argument("--json", action="store_true", help="print it as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.DATABASE_URL and (options["dump"] or options["restore"]):
            raise CommandError(
                "The database is not the embedded one: use its own pg_dump and pg_restore."
            )
        if options["restore"]:
            self._restore(options["restore"])
            return
        if options["dump"]:
            self.stdout.write(f"Wrote {database_dump.dump_database()}")
        self._check(as_json=options["json"])

    def _check(self, *, as_json: bool) -> None:
        pending = database_dump.list_pending_migrations()
        dumps = (
            [] if settings.DATABASE_URL else [str(file) for file in list_dumps(settings.STATE_DIR)]
        )
        is_new = database_dump.is_new()
        if as_json:
            self.stdout.write(
                json.dumps(
                    {
                        "version": settings.VERSION,
                        "is_new": is_new,
                        "migrations": pending,
                        "dumps": dumps,
                    }
                )
            )
            return
        if is_new:
            self.stdout.write("There is no database yet: the next start makes it.")
        elif not pending:
            self.stdout.write(f"The database is that of release {settings.VERSION}: nothing to do.")
        else:
            self.stdout.write(f"Release {settings.VERSION} will apply {len(pending)} migrations:")
            for name in pending:
                self.stdout.write(f"  {name}")
            if settings.DATABASE_URL:
                self.stdout.write("Back up the database, then run `manage.py migrate`.")
            elif settings.DUMP_BEFORE_UPGRADE:
                self.stdout.write(
                    "The next start does so, and writes a dump of the database first."
                )
            else:
                self.stdout.write(
                    "The next start does so without a dump: OPENMEMORY_DUMP_BEFORE_UPGRADE is off."
                )
        for dump in dumps:
            self.stdout.write(f"A dump from before an upgrade: {dump}")

    def _restore(self, name: str) -> None:
        owner = Ownership(settings.STATE_DIR).owner()
        if owner and owner.address:
            raise CommandError(f"Stop the server first: process {owner.pid}, at {owner.address}.")
        dumps = list_dumps(settings.STATE_DIR)
        if name == "latest" and not dumps:
            raise CommandError("There is no dump from before an upgrade.")
        file = dumps[0] if name == "latest" else Path(name).expanduser()
        if not file.is_file():
            raise CommandError(f"There is no file {file}.")
        database_dump.restore_dump(file)
        self.stdout.write(
            f"The database is as it was when {file} was written. What was stored since is gone. "
            "Install the former release before the next start: this one would upgrade it again."
        )
