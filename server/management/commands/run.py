import os
from argparse import ArgumentParser
from contextlib import suppress
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from embedded.errors import AlreadyRunning, ServiceFailed
from server import start


class Command(BaseCommand):
    help = "Run the server with all its processes and services on this machine, until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--with-parent",
            action="store_true",
            help="stop when the parent process exits",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        parent = os.getppid() if options["with_parent"] else None
        try:
            start.run(self._print, parent=parent)
        except (AlreadyRunning, ServiceFailed) as error:
            raise CommandError(error.detail) from error

    def _print(self, text: str) -> None:
        # The reader may be gone. The server must still stop cleanly.
        with suppress(OSError):
            self.stdout.write(text)
            self.stdout.flush()
