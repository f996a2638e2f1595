import os
from argparse import ArgumentParser
from contextlib import suppress
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from embedded.errors import AlreadyRunning, ServiceFailed
from server import start


class Command(BaseCommand):
    help = "Start the server with everything it needs on this machine, until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--with-parent",
            action="store_true",
            help="stop when the process that started this one is gone",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        parent = os.getppid() if options["with_parent"] else None
        try:
            start.run(self._say, parent=parent)
        except (AlreadyRunning, ServiceFailed) as error:
            raise CommandError(error.detail) from error

    def _say(self, text: str) -> None:
        # Whoever read it may be gone, which is no reason not to stop cleanly.
        with suppress(OSError):
            self.stdout.write(text)
            self.stdout.flush()
