from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from accounts.api_keys import revoke_key
from accounts.models import ApiKey, User
from accounts.person_access import running_url
from agents.clients import CLIENTS, Access
from core.command_output import ReportingCommand, add_json_option


class Command(ReportingCommand):
    help = "Print the MCP configuration of a client, with a new API key, on standard output."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("client", choices=CLIENTS, help="the client program")
        parser.add_argument(
            "--user",
            default=settings.DEFAULT_USER,
            help="the owner of the memories (default: %(default)s)",
        )
        parser.add_argument(
            "--url",
            default=running_url() or f"http://localhost:{settings.PORT}",
            help="the URL of this server for the client (default: %(default)s)",
        )
        add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["url"].startswith(("http://", "https://")):
            raise CommandError(
                "--url must begin with http:// or https://, as in https://memory.example.org."
            )
        # Accept the MCP endpoint as well as the server's URL.
        self.show(options, options["url"].rstrip("/").removesuffix("/mcp"))

    def show(self, options: dict[str, Any], url: str) -> None:
        client = CLIENTS[options["client"]]
        key = ""
        if client.needs_key:
            key = self.issue_key(options["client"], options["user"], app=options["client"])
        access = Access(f"{url}/mcp", key, options["user"])
        self.stderr.write(f"{client.title}. {client.location}:", self.style.NOTICE)
        snippet = client.snippet(access)
        facts = {"client": options["client"], "configuration": snippet, "for": client.location}
        self.report(snippet, {**facts, "key": key or None}, options)

    def issue_key(self, client: str, user_id: str, *, app: str) -> str:
        user = User.objects.filter(user_id=user_id).first()
        if user is None:
            raise CommandError(
                f"There is no user {user_id!r}. Create one: manage.py create_api_key {user_id} "
                "--create-user."
            )
        name = f"{self.__module__.rpartition('.')[2]} {client}"
        own = ApiKey.objects.filter(user=user, app_name=app, name=name)
        # Who prints it again has not kept the former one: a key's secret is shown only once.
        for unused in own.filter(last_used_at=None).valid():
            revoke_key(unused.pk, among=own)
            self.stderr.write(f"The former key {unused} was never used, and is revoked.")
        _, secret = ApiKey.objects.issue(user=user, app_name=app, name=name)
        return secret
