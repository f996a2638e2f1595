"""A person's memories as resources, for clients that let them be attached to a conversation."""

from __future__ import annotations

import json
from urllib.parse import quote

from mcp.server.context import CallNext, HandlerResult
from mcp.server.mcpserver import Context, MCPServer
from mcp_types import ListResourcesResult, Resource

from memories.models import Category

from .cursors import after, fitting
from .schemas import shown
from .tool_call import Asked, Call, Caller, described, read

ADDRESS = "memory://categories/{category}"
JSON = "application/json"

MOST = 100


def add_resources(server: MCPServer[Call]) -> None:
    server.resource(
        ADDRESS,
        name="memories_of_category",
        title="Memories of a category",
        description=described(memories_of_category),
        mime_type=JSON,
    )(memories_of_category)


async def memories_of_category(ctx: Context, category: str) -> str:
    """What is remembered about one theme, the newest first."""
    given = {"category": category}
    return await read(ctx.request_context, lambda caller: _memories(caller, **given), given=given)


async def with_categories(ctx: Asked, call_next: CallNext) -> HandlerResult:
    """List as resources the categories that this person's memories are in.

    The SDK lists the same resources for everybody.
    """
    if ctx.method != "resources/list":
        return await call_next(ctx)
    return ListResourcesResult(resources=await read(ctx, _categories))


def _categories(caller: Caller) -> list[Resource]:
    named = Category.objects.of(caller.user, caller.memories().active()).order_by("name")
    return [_resource(category) for category in named[:MOST]]


def _resource(category: Category) -> Resource:
    return Resource(
        uri=ADDRESS.format(category=quote(category.name, safe="")),
        name=category.name,
        title=f"Memories: {category.name}",
        description=category.description or None,
        mime_type=JSON,
    )


def _memories(caller: Caller, category: str) -> str:
    memories = caller.memories().active().in_categories([category]).with_relations()
    page = fitting(list(after(memories, None)[:MOST]), lambda memory: [memory])
    caller.reader.log(page, "resource")
    return json.dumps({"memories": [shown(each).model_dump() for each in page]}, ensure_ascii=False)
