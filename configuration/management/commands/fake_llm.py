from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from configuration.fake import FakeServer, Fault
from core import argument_types


class Command(BaseCommand):
    help = (
        "Serve a fake language model and embedding model on this machine until Ctrl-C. They "
        "answer by simple, deterministic rules and can inject faults. POST /control changes the "
        'options at run time: {"fault": "error", "times": 2, "delay": 0.5}.'
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=11435, help="default: 11435")
        parser.add_argument("--delay", type=float, default=0.0, help="seconds before each response")
        parser.add_argument(
            "--dimensions",
            type=argument_types.number(1, 10_000),
            default=384,
            help="dimensions of the vectors, default: 384",
        )
        parser.add_argument("--fault", choices=list(Fault), help="the fault to inject")
        parser.add_argument(
            "--times", type=argument_types.number(1), help="how many requests fail, default: all"
        )
        parser.add_argument("--retry-after", type=float, default=1.0, help="seconds in Retry-After")

    def handle(self, *args: Any, **options: Any) -> None:
        fault = Fault(options["fault"]) if options["fault"] else None
        names = ("port", "delay", "dimensions", "times", "retry_after")
        try:
            server = FakeServer(fault=fault, **{name: options[name] for name in names})
        except (OSError, OverflowError) as error:
            raise CommandError(f"Cannot listen on port {options['port']}: {error}") from error
        self.stdout.write(f"Serving the fake model at {server.base_url} until Ctrl-C.")
        self.stdout.flush()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            server.server_close()
