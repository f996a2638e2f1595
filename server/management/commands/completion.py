from argparse import ArgumentParser
from typing import Any

from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand

from server.command_names import COMMANDS
from server.completion_scripts import SHELLS, completion_script
from server.console import DJANGO_OPTIONS


class Command(BaseCommand):
    help = (
        "Print what completes the commands and options of `openmemory` in a shell, such as: "
        'eval "$(openmemory completion bash)"'
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("shell", choices=SHELLS)

    def handle(self, *args: Any, **options: Any) -> None:
        parsers = {short: _parser(short, name.full) for short, name in COMMANDS.items()}
        self.stdout.write(completion_script(options["shell"], parsers), ending="")


def _parser(short: str, full: str) -> ArgumentParser:
    command = load_command_class(get_commands()[full], full)
    command.suppressed_base_arguments = DJANGO_OPTIONS
    return command.create_parser("openmemory", short)
