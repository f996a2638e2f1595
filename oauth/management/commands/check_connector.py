from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError

from accounts.person_access import server_url
from accounts.subjects import UserNotFound, get_user
from core.exposure import is_loopback
from oauth.connector_check import Way
from oauth.connector_probe import Probe, StepFailed, check_network
from oauth.connector_products import CONNECTORS
from oauth.issuer import MCP_PATH


class Command(BaseCommand):
    help = (
        "Go the way of claude.ai and of ChatGPT to this server, from outside, and say which step "
        "fails and what to do. The exit code is 1 if one fails."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "url",
            nargs="?",
            help="the address as it is added to the program, such as "
            "https://memory.example.org/mcp (default: that of this server)",
        )
        parser.add_argument(
            "--user",
            help="go on as this user: sign in, connect, call tools, renew and end the connection. "
            "Nothing of it remains",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        url = _read_url(options["url"] or f"{server_url()}{MCP_PATH}")
        try:
            user = get_user(options["user"]) if options["user"] else None
        except UserNotFound as error:
            raise CommandError(error.detail) from error
        parts = urlsplit(url)
        self._try("Network", lambda: check_network(url, self._note))
        for connector in CONNECTORS:
            self.stdout.write(f"\n{connector.title}: {url}")
            probe = Probe(f"{parts.scheme}://{parts.netloc}", self._note)
            way = Way(url, connector, probe, user)
            try:
                for step in way.steps():
                    self._try(connector.title, step)
            finally:
                way.clean_up()
        self.stdout.write("\nNothing stands in the way.")
        if user is None:
            self.stdout.write("With --user USER, the rest of the way is tried as well.")

    def _try(self, title: str, step: Any) -> None:
        try:
            self.stdout.write(f"  ok    {step()}")
        except StepFailed as failure:
            self.stdout.write(f"  FAIL  {failure.problem}")
            self.stdout.write(f"        {failure.advice}")
            raise CommandError(f"{title}: a step failed.") from failure

    def _note(self, finding: str, advice: str) -> None:
        self.stdout.write(f"  note  {finding}")
        self.stdout.write(f"        {advice}")


def _read_url(text: str) -> str:
    """Raises CommandError."""
    try:
        parts = urlsplit(text.strip())
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise CommandError(f"{text} is not an address.") from error
    if parts.scheme not in ("http", "https") or not host:
        raise CommandError(f"{text} is not an address such as https://memory.example.org/mcp.")
    if parts.scheme == "http" and not is_loopback(host):
        raise CommandError(
            f"Connectors need HTTPS, and this server gives out no tokens without: put a proxy with "
            f"a certificate in front, and use https://{host}/mcp."
        )
    if parts.path.rstrip("/") not in ("", MCP_PATH):
        raise CommandError(f"The address for connectors ends in {MCP_PATH}, and in nothing else.")
    return f"{parts.scheme}://{parts.netloc.lower()}{MCP_PATH}"
