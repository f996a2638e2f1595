from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from accounts.models import ApiKey, Scope, User
from agents.idle_services import IdleServicesExecutor
from core import argument_types
from embedded.errors import ServiceFailed


class Command(BaseCommand):
    help = (
        "Serve the Model Context Protocol over standard input and output, for clients on this "
        "machine. The server need not be running."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--user",
            default=settings.DEFAULT_USER,
            help="the owner of the memories (default: %(default)s)",
        )
        parser.add_argument(
            "--app", type=argument_types.name, help="the app that stores and searches memories"
        )
        parser.add_argument("--read-only", action="store_true", help="allow no changes")

    def handle(self, *args: Any, **options: Any) -> None:
        executor = IdleServicesExecutor("manage.py mcp_stdio")
        scopes = [Scope.READ] if options["read_only"] else [Scope.READ, Scope.WRITE]
        try:
            user = executor.submit(_get_user, options["user"]).result()
            # An unsaved key: the account that starts this command can read the database anyway.
            key = ApiKey(id=None, user=user, app_name=options["app"] or "", scopes=scopes)
            serve(key, executor)
        except ServiceFailed as error:
            raise CommandError(error.detail) from error
        finally:
            executor.shutdown()


def serve(key: ApiKey, executor: IdleServicesExecutor) -> None:
    # The SDK takes a second to import. `--help` must not wait for it.
    from mcp.server.mcpserver import MCPServer

    from agents.mcp_servers import memory_server
    from agents.tool_call import Call, Caller

    @asynccontextmanager
    async def call(_: MCPServer[Call]) -> AsyncIterator[Call]:
        yield Call(Caller(key, key.user), executor)

    memory_server(call).run("stdio")


def _get_user(user_id: str) -> User:
    try:
        return User.objects.get(user_id=user_id)
    except User.DoesNotExist:
        raise CommandError(
            f"There is no user {user_id!r}. Create one: manage.py create_api_key {user_id} "
            "--create-user."
        ) from None
    except DatabaseError as error:
        raise CommandError("The database has no tables yet. Start the server once.") from error
