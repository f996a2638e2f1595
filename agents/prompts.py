"""Prompts that a person can choose in their client."""

from __future__ import annotations

from typing import Annotated

from mcp.server.context import CallNext, HandlerResult
from mcp.server.mcpserver import Context, MCPServer
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS
from pydantic import Field

from .tool_call import Asked, Call, described, read
from .tools.read import search_memories

NAME = "recall"


async def recall_topic(
    ctx: Context,
    topic: Annotated[str, Field(description="What the conversation is going to be about.")],
) -> str:
    """Begin a conversation with what is remembered about a topic."""
    found = await read(ctx.request_context, lambda caller: search_memories(caller, topic, limit=20))
    lines = [f"- {memory.text} ({memory.created_at[:10]})" for memory in found.memories]
    known = "\n".join(lines) or "- nothing yet"
    return (
        f"I want to talk about: {topic}\n\nThis is what you remember about it, the most relevant "
        f"first, with the day you learned it:\n\n{known}\n\nTake it into account where it matters."
    )


async def with_topics(ctx: Asked, call_next: CallNext) -> HandlerResult:
    """Refuse a prompt that there is none of, or about nothing.

    The SDK takes both for failures of the server: it logs them, and says nothing of what is wrong.
    """
    if ctx.method == "prompts/get":
        params = ctx.params or {}
        if params.get("name") != NAME:
            raise MCPError(INVALID_PARAMS, "There is no such prompt: prompts/list shows all.")
        if not (params.get("arguments") or {}).get("topic"):
            raise MCPError(INVALID_PARAMS, "`topic`: Say what the conversation is to be about.")
    return await call_next(ctx)


def add_prompts(server: MCPServer[Call]) -> None:
    server.prompt(name=NAME, title="Recall a topic", description=described(recall_topic))(
        recall_topic
    )
