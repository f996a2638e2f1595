from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from server import start


class Command(BaseCommand):
    """`manage.py` runs it without this class, to keep Django out of the supervisor's memory."""

    help = start.DESCRIPTION

    def add_arguments(self, parser: ArgumentParser) -> None:
        start.add_arguments(parser, of_openmemory=True)

    def handle(self, *args: Any, **options: Any) -> None:
        start.run(with_parent=options["with_parent"])
