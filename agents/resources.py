"""Memories as resources, for clients that can attach resources to a conversation."""

from __future__ import annotations

import json
from urllib.parse import quote

from mcp.server.context import CallNext, HandlerResult
from mcp.server.mcpserver import Context, MCPServer
from mcp_types import ListResourcesResult, Resource

from memories.models import UserCategory

from .cursors import after, take_fitting
from .schemas import render_memory
from .tool_call import Call, Caller, RequestContext, get_docstring, run_read_only

URI_TEMPLATE = "memory://categories/{category}"
JSON = "application/json"

MAX_RESOURCES = 100


def add_resources(server: MCPServer[Call]) -> None:
    server.resource(
        URI_TEMPLATE,
        name="memories_of_category",
        title="Memories of a category",
        description=get_docstring(memories_of_category),
        mime_type=JSON,
    )(memories_of_category)


async def memories_of_category(ctx: Context, category: str) -> str:
    """The memories of one category, newest first."""
    arguments = {"category": category}
    return await run_read_only(
        ctx.request_context, lambda caller: _memories(caller, **arguments), arguments=arguments
    )


async def list_categories(ctx: RequestContext, call_next: CallNext) -> HandlerResult:
    """List the categories of the user's memories as resources.

    The SDK itself lists the same resources for all users.
    """
    if ctx.method != "resources/list":
        return await call_next(ctx)
    return ListResourcesResult(resources=await run_read_only(ctx, _categories))


def _categories(caller: Caller) -> list[Resource]:
    categories = UserCategory.objects.of(caller.user, caller.memories().active())
    return [_resource(category) for category in categories[:MAX_RESOURCES]]


def _resource(category: UserCategory) -> Resource:
    return Resource(
        uri=URI_TEMPLATE.format(category=quote(category.name, safe="")),
        name=category.name,
        title=f"Memories: {category.name}",
        description=category.description or None,
        mime_type=JSON,
    )


def _memories(caller: Caller, category: str) -> str:
    memories = caller.memories().active().in_categories([category]).with_relations()
    page = take_fitting(list(after(memories, None)[:MAX_RESOURCES]), lambda memory: [memory])
    caller.reader.log(page, "resource")
    return json.dumps(
        {"memories": [render_memory(memory).model_dump() for memory in page]}, ensure_ascii=False
    )
