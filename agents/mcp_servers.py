"""What agents are offered: the server at `/mcp`, and the one at the original's addresses."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from django.conf import settings
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.request_state import RequestStateSecurity
from mcp_types import CallToolResult, InputRequiredResult, ToolAnnotations
from pydantic import ValidationError

from accounts.models import Scope
from core.api.problems import Fault, validation_problem

from . import openmemory_tools
from .prompts import add_prompts, with_topics
from .resources import add_resources, with_categories
from .tool_call import Call, described, perform, told
from .tools import delete_all, read, write

VERSION = "1"

INSTRUCTIONS = """\
This is the long-term memory of the person you talk with. Search it with search_memories before \
you answer anything that may depend on who they are. Put down with add_memory what will still \
matter in a later conversation, without being asked. When something remembered turns out to be \
wrong or has changed, correct it with update_memory. Delete only when they ask for it."""

Lifespan = Callable[[MCPServer[Call]], AbstractAsyncContextManager[Call]]

READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)


def _changes(*, destructive: bool, idempotent: bool) -> ToolAnnotations:
    return ToolAnnotations(
        read_only_hint=False,
        destructive_hint=destructive,
        idempotent_hint=idempotent,
        open_world_hint=False,
    )


ADDS = _changes(destructive=False, idempotent=False)
REPLACES = _changes(destructive=True, idempotent=True)
SETS_ASIDE = _changes(destructive=False, idempotent=True)


class ExplainingServer(MCPServer[Call]):
    """Says of each argument that does not fit what is wrong with it, as the API does."""

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Call, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as refusal:
            misfit = refusal.__cause__
            if not isinstance(misfit, ValidationError):
                raise
            faults = [
                Fault(("body", *each["loc"]), each["type"], f"{each['msg']}.")
                for each in misfit.errors()
            ]
            raise ToolError(told(validation_problem(faults))) from misfit


def memory_server(lifespan: Lifespan | None = None) -> MCPServer[Call]:
    """The server of today: all tools, resources and prompts."""
    server = _server("openmemory", INSTRUCTIONS, lifespan)
    _add(server, read.search_memories, "Search memories", READS)
    _add(server, read.get_memories, "List memories", READS)
    _add(server, read.get_memory, "Show a memory", READS)
    _add(server, read.get_related, "Find related memories", READS)
    _add(server, read.list_apps, "List apps", READS)
    _add(server, write.add_memory, "Remember", ADDS)
    _add(server, write.update_memory, "Correct a memory", REPLACES)
    _add(server, write.pause_memories, "Pause memories", SETS_ASIDE)
    _add(server, write.delete_memory, "Forget a memory", REPLACES)
    server.add_tool(
        delete_all.delete_all_memories,
        title="Forget everything",
        description=described(delete_all.delete_all_memories),
        annotations=REPLACES,
    )
    add_resources(server)
    add_prompts(server)
    return server


def original_server() -> MCPServer[Call]:
    """The server that clients of the original know."""
    server = _server("mem0-mcp-server", None, None)
    _add(server, openmemory_tools.add_memories, "Remember", ADDS)
    _add(server, openmemory_tools.search_memory, "Search memories", READS)
    _add(server, openmemory_tools.list_memories, "List memories", READS)
    _add(server, openmemory_tools.delete_memories, "Forget memories", REPLACES)
    _add(server, openmemory_tools.delete_all_memories, "Forget everything", REPLACES)
    return server


def _server(name: str, instructions: str | None, lifespan: Lifespan | None) -> MCPServer[Call]:
    # A question that one process has asked may be answered to another.
    secret = hashlib.sha256(f"agents {settings.SECRET_KEY}".encode()).digest()
    return ExplainingServer(
        name,
        title="OpenMemory",
        version=VERSION,
        instructions=instructions,
        lifespan=lifespan,
        # Its logs are ours: the SDK would otherwise set up the root logger.
        log_level="WARNING",
        request_state_security=RequestStateSecurity(keys=[secret]),
        # Nobody waits for news here, and each who did would hold a thread.
        subscriptions=False,
        middleware=[with_categories, with_topics],
    )


def _add(
    server: MCPServer[Call],
    tool: Callable[..., Any],
    title: str,
    annotations: ToolAnnotations,
) -> None:
    """Offer a function of a caller and arguments as a tool of these arguments."""
    scope = Scope.READ if annotations.read_only_hint else Scope.WRITE
    signature = inspect.signature(tool, eval_str=True)

    async def called(ctx: Context, **arguments: Any) -> Any:
        return await perform(
            ctx.request_context,
            lambda caller: tool(caller, **arguments),
            scope=scope,
            given=arguments,
        )

    # The SDK reads from these what a model may send, and that it is to give the context.
    _, *offered = signature.parameters.values()
    context = inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=Context)
    arguments = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in offered]
    called.__signature__ = signature.replace(parameters=[context, *arguments])  # type: ignore[attr-defined]
    called.__annotations__ = {
        each.name: each.annotation
        for each in called.__signature__.parameters.values()  # type: ignore[attr-defined]
    } | {"return": signature.return_annotation}
    server.add_tool(
        called,
        name=tool.__name__,
        title=title,
        description=described(tool),
        annotations=annotations,
    )
