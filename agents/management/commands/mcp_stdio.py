from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from accounts.models import ApiKey, Scope, User
from agents.idle_services import Visits
from core import argument_types
from embedded.errors import ServiceFailed


class Command(BaseCommand):
    help = (
        "Speak the Model Context Protocol over standard input and output, for programs on this "
        "machine. The server may be running or not."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--user", default=settings.DEFAULT_USER, help="whose memories (default: %(default)s)"
        )
        parser.add_argument(
            "--app", type=argument_types.name, help="the app that remembers and recalls"
        )
        parser.add_argument("--read-only", action="store_true", help="change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        visits = Visits("manage.py mcp_stdio")
        scopes = [Scope.READ] if options["read_only"] else [Scope.READ, Scope.WRITE]
        try:
            user = visits.submit(_user, options["user"]).result()
            # A key that is nowhere kept: who may start this may read the database itself.
            serve(ApiKey(id=None, user=user, app_name=options["app"] or "", scopes=scopes), visits)
        except ServiceFailed as error:
            raise CommandError(error.detail) from error
        finally:
            visits.shutdown()


def serve(key: ApiKey, visits: Visits) -> None:
    # The SDK takes a second to load, which asking for help need not wait for.
    from mcp.server.mcpserver import MCPServer

    from agents.mcp_servers import memory_server
    from agents.tool_call import Call, Caller

    @asynccontextmanager
    async def call(_: MCPServer[Call]) -> AsyncIterator[Call]:
        yield Call(Caller(key, key.user), visits)

    memory_server(call).run("stdio")


def _user(user_id: str) -> User:
    try:
        return User.objects.get(user_id=user_id)
    except User.DoesNotExist:
        raise CommandError(
            f"There is no user {user_id!r}. Make one: manage.py create_api_key {user_id} "
            "--create-user."
        ) from None
    except DatabaseError as error:
        raise CommandError("There are no tables yet: start the server once.") from error
