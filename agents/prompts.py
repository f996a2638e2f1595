"""Prompts that a person can choose in their client."""

from __future__ import annotations

from typing import Annotated

from mcp.server.mcpserver import Context, MCPServer
from pydantic import Field

from .calling import Call, described, read
from .tools.reading import search_memories


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


def add_prompts(server: MCPServer[Call]) -> None:
    server.prompt(name="recall", title="Recall a topic", description=described(recall_topic))(
        recall_topic
    )
