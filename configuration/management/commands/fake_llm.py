from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from configuration.fake import FakeServer, Fault
from core import argument_types


class Command(BaseCommand):
    help = (
        "Serve a language model and embedder that are none, on this machine, until Ctrl-C: they "
        "answer by simple rules, always the same, and fail as they are told to. POST /control "
        'changes that while it runs: {"fault": "error", "times": 2, "delay": 0.5}.'
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=11435, help="default: 11435")
        parser.add_argument(
            "--delay", type=float, default=0.0, help="seconds that each answer takes"
        )
        parser.add_argument(
            "--dimensions",
            type=argument_types.number(1, 10_000),
            default=384,
            help="of the vectors, default: 384",
        )
        parser.add_argument("--fault", choices=list(Fault), help="how calls fail")
        parser.add_argument(
            "--times", type=argument_types.number(1), help="how many calls fail, default: all"
        )
        parser.add_argument(
            "--retry-after", type=float, default=1.0, help="seconds that it asks to be spared for"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        fault = Fault(options["fault"]) if options["fault"] else None
        names = ("port", "delay", "dimensions", "times", "retry_after")
        try:
            server = FakeServer(fault=fault, **{name: options[name] for name in names})
        except (OSError, OverflowError) as error:
            raise CommandError(f"Port {options['port']} cannot be served on: {error}") from error
        self.stdout.write(f"The fake model answers at {server.base_url} until Ctrl-C.")
        self.stdout.flush()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            server.server_close()
