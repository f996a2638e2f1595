"""The MCP servers: the one at `/mcp`, and the one at the original server's URLs."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from django.conf import settings
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.utilities.func_metadata import FuncMetadata
from mcp.server.request_state import RequestStateSecurity
from mcp_types import CallToolResult, InputRequiredResult, TextContent, ToolAnnotations
from pydantic import ValidationError

from accounts.models import Scope
from core.api.problems import Fault, validation_problem

from . import openmemory_tools
from .coercion import Arguments, read_arguments
from .keyed_call import IdempotencyKey, KeyedCall, call_notes, run_once
from .mcp_prompts import add_prompts, validate_prompt
from .offered_tools import offer_permitted_tools
from .resources import add_resources, list_categories
from .tool_call import Call, Caller, error_text, get_docstring, run_tool
from .tools import connector, delete_all, read, recall, write

VERSION = "1"

INSTRUCTIONS = """\
This is the long-term memory about the user. Search it with search_memories before you answer \
anything that may depend on the user. Store with add_memory what will still matter in a later \
conversation, without being asked. If a memory is wrong or outdated, correct it with \
update_memory. Delete memories only when the user asks for it."""

IGNORED_SCHEMA = {
    "type": "array",
    "items": {"type": "string"},
    "description": "Arguments that are not known and had no effect, if any.",
}

REPLAYED_SCHEMA = {
    "type": "boolean",
    "description": "True if the call was made before with this idempotency key.",
}

# These call a model before their change, outside of its transaction.
SLOW_TOOLS = frozenset({"add_memory", "update_memory", "add_memories"})

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


class ParsedArguments(FuncMetadata):
    """Leaves arguments as they are: `read_arguments` has parsed JSON where no string is meant.

    The SDK would also parse texts that happen to be JSON.
    """

    def pre_parse_json(self, data: dict[str, Any]) -> dict[str, Any]:
        return data


class LenientServer(MCPServer[Call]):
    """Reads arguments as `read_arguments` does, and reports faults as the API does."""

    def add_tool(self, *args: Any, **options: Any) -> None:
        super().add_tool(*args, **options)
        tool = self._tool_manager.list_tools()[-1]
        tool.fn_metadata = ParsedArguments(**dict(tool.fn_metadata))
        assert tool.output_schema  # noqa: S101 - each tool declares its result
        tool.output_schema["properties"]["ignored"] = IGNORED_SCHEMA
        if "idempotency_key" in tool.parameters["properties"]:
            tool.output_schema["properties"]["replayed"] = REPLAYED_SCHEMA

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Call, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        tool = self._tool_manager.get_tool(name)
        read = read_arguments(arguments, tool.parameters) if tool else Arguments(arguments)
        if read.faults:
            raise ToolError(error_text(validation_problem(read.faults)))
        notes: dict[str, Any] = {"ignored": list(read.ignored)} if read.ignored else {}
        token = call_notes.set(notes)
        try:
            result = await super().call_tool(name, read.values, context)
        except ToolError as tool_error:
            raise explain(tool_error, read) from tool_error.__cause__
        finally:
            call_notes.reset(token)
        if notes and isinstance(result, CallToolResult):
            add_notes(result, notes)
        return result


def explain(error: ToolError, read: Arguments) -> ToolError:
    """Describe an error in the format of the API, with the arguments that are not known."""
    text, cause = str(error), error.__cause__
    if isinstance(cause, ValidationError):
        faults = [
            Fault(("body", *fault["loc"]), fault["type"], f"{fault['msg']}.")
            for fault in cause.errors()
        ]
        text = error_text(validation_problem(faults))
    elif not read.ignored:
        return error
    return ToolError(" ".join([text, *read.ignored.values()]))


def add_notes(result: CallToolResult, notes: dict[str, Any]) -> None:
    """Add to a result what models and programs should know of the call."""
    if result.structured_content is not None:
        result.structured_content.update(notes)
    content = result.content[0] if result.content else None
    if isinstance(content, TextContent) and content.text.startswith("{"):
        content.text = json.dumps({**json.loads(content.text), **notes}, indent=2)
    else:
        result.content.append(TextContent(text=json.dumps(notes)))


def memory_server(lifespan: Lifespan | None = None) -> MCPServer[Call]:
    """The current server, with all tools, resources and prompts."""
    server = _server("openmemory", INSTRUCTIONS, lifespan)
    _add(server, read.search_memories, "Search memories", READ_ONLY)
    _add(server, recall.recall_context, "Recall context", READ_ONLY)
    _add(server, read.get_memories, "List memories", READ_ONLY)
    _add(server, read.get_memory, "Show a memory", READ_ONLY)
    _add(server, read.get_related, "Find related memories", READ_ONLY)
    _add(server, read.list_apps, "List apps", READ_ONLY)
    _add(server, connector.search, "Search", READ_ONLY)
    _add(server, connector.fetch, "Fetch", READ_ONLY)
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
    return LenientServer(
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
        middleware=[list_categories, validate_prompt, offer_permitted_tools],
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

    async def wrapper(ctx: Context, idempotency_key: str | None = None, **arguments: Any) -> Any:
        def call(caller: Caller) -> Any:
            return tool(caller, **arguments)

        if idempotency_key is None:
            return await run_tool(ctx.request_context, call, scope=scope, arguments=arguments)
        keyed = KeyedCall(
            idempotency_key,
            tool.__name__,
            arguments,
            signature.return_annotation,
            is_slow=tool.__name__ in SLOW_TOOLS,
        )
        return await run_once(ctx.request_context, call, keyed)

    # From the signature the SDK derives the arguments, and that it must pass the context.
    _, *tool_parameters = signature.parameters.values()
    context = inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=Context)
    parameters = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in tool_parameters
    ]
    if scope == Scope.WRITE:
        parameters.append(
            inspect.Parameter(
                "idempotency_key",
                inspect.Parameter.KEYWORD_ONLY,
                default=None,
                annotation=IdempotencyKey,
            )
        )
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
