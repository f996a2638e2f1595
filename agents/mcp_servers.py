"""The MCP servers: the one at `/mcp`, and the one at the original server's URLs."""

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
from .mcp_prompts import add_prompts, validate_prompt
from .resources import add_resources, list_categories
from .tool_call import Call, error_text, get_docstring, run_tool
from .tools import delete_all, read, write

VERSION = "1"

INSTRUCTIONS = """\
This is the long-term memory about the user. Search it with search_memories before you answer \
anything that may depend on the user. Store with add_memory what will still matter in a later \
conversation, without being asked. If a memory is wrong or outdated, correct it with \
update_memory. Delete memories only when the user asks for it."""

Lifespan = Callable[[MCPServer[Call]], AbstractAsyncContextManager[Call]]

READ_ONLY = ToolAnnotations(read_only_hint=True, open_world_hint=False)


def _changes(*, destructive: bool, idempotent: bool) -> ToolAnnotations:
    return ToolAnnotations(
        read_only_hint=False,
        destructive_hint=destructive,
        idempotent_hint=idempotent,
        open_world_hint=False,
    )


ADDITIVE = _changes(destructive=False, idempotent=False)
DESTRUCTIVE = _changes(destructive=True, idempotent=True)
REVERSIBLE = _changes(destructive=False, idempotent=True)


class ExplainingServer(MCPServer[Call]):
    """Reports invalid arguments in the format of the API's errors."""

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Call, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as tool_error:
            cause = tool_error.__cause__
            if not isinstance(cause, ValidationError):
                raise
            faults = [
                Fault(("body", *error["loc"]), error["type"], f"{error['msg']}.")
                for error in cause.errors()
            ]
            raise ToolError(error_text(validation_problem(faults))) from cause


def memory_server(lifespan: Lifespan | None = None) -> MCPServer[Call]:
    """The current server, with all tools, resources and prompts."""
    server = _server("openmemory", INSTRUCTIONS, lifespan)
    _add(server, read.search_memories, "Search memories", READ_ONLY)
    _add(server, read.get_memories, "List memories", READ_ONLY)
    _add(server, read.get_memory, "Show a memory", READ_ONLY)
    _add(server, read.get_related, "Find related memories", READ_ONLY)
    _add(server, read.list_apps, "List apps", READ_ONLY)
    _add(server, write.add_memory, "Store a memory", ADDITIVE)
    _add(server, write.update_memory, "Update a memory", DESTRUCTIVE)
    _add(server, write.pause_memories, "Pause memories", REVERSIBLE)
    _add(server, write.delete_memory, "Delete a memory", DESTRUCTIVE)
    server.add_tool(
        delete_all.delete_all_memories,
        title="Delete all memories",
        description=get_docstring(delete_all.delete_all_memories),
        annotations=DESTRUCTIVE,
    )
    add_resources(server)
    add_prompts(server)
    return server


def openmemory_server() -> MCPServer[Call]:
    """The original server, for its clients."""
    server = _server("mem0-mcp-server", None, None)
    _add(server, openmemory_tools.add_memories, "Store a memory", ADDITIVE)
    _add(server, openmemory_tools.search_memory, "Search memories", READ_ONLY)
    _add(server, openmemory_tools.list_memories, "List memories", READ_ONLY)
    _add(server, openmemory_tools.delete_memories, "Delete memories", DESTRUCTIVE)
    _add(server, openmemory_tools.delete_all_memories, "Delete all memories", DESTRUCTIVE)
    return server


def _server(name: str, instructions: str | None, lifespan: Lifespan | None) -> MCPServer[Call]:
    # The answer to one process's elicitation may arrive at another process.
    secret = hashlib.sha256(f"agents {settings.SECRET_KEY}".encode()).digest()
    return ExplainingServer(
        name,
        title="OpenMemory",
        version=VERSION,
        instructions=instructions,
        lifespan=lifespan,
        # Without it the SDK would configure the root logger.
        log_level="WARNING",
        request_state_security=RequestStateSecurity(keys=[secret]),
        # There is nothing to subscribe to, and each subscription would hold a thread.
        subscriptions=False,
        middleware=[list_categories, validate_prompt],
    )


def _add(
    server: MCPServer[Call],
    tool: Callable[..., Any],
    title: str,
    annotations: ToolAnnotations,
) -> None:
    """Add a function of a caller and arguments as a tool with these arguments."""
    scope = Scope.READ if annotations.read_only_hint else Scope.WRITE
    signature = inspect.signature(tool, eval_str=True)

    async def wrapper(ctx: Context, **arguments: Any) -> Any:
        return await run_tool(
            ctx.request_context,
            lambda caller: tool(caller, **arguments),
            scope=scope,
            arguments=arguments,
        )

    # From the signature the SDK derives the arguments, and that it must pass the context.
    _, *tool_parameters = signature.parameters.values()
    context = inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=Context)
    parameters = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in tool_parameters
    ]
    wrapper.__signature__ = signature.replace(parameters=[context, *parameters])  # type: ignore[attr-defined]
    wrapper.__annotations__ = {
        parameter.name: parameter.annotation for parameter in [context, *parameters]
    } | {"return": signature.return_annotation}
    server.add_tool(
        wrapper,
        name=tool.__name__,
        title=title,
        description=get_docstring(tool),
        annotations=annotations,
    )
