"""Prompts that users can select in their client."""

from __future__ import annotations

from typing import Annotated

from mcp.server.context import CallNext, HandlerResult
from mcp.server.mcpserver import Context, MCPServer
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS
from pydantic import Field

from .tool_call import Call, RequestContext, get_docstring, run_read_only
from .tools.read import search_memories

NAME = "recall"


async def search_topic(
    ctx: Context,
    topic: Annotated[str, Field(description="The topic of the conversation.")],
) -> str:
    """Start a conversation with the memories about a topic."""
    results = await run_read_only(
        ctx.request_context, lambda caller: search_memories(caller, topic, limit=20)
    )
    lines = [f"- {memory.text} ({memory.created_at[:10]})" for memory in results.memories]
    memories = "\n".join(lines) or "- none yet"
    return (
        f"I want to talk about: {topic}\n\nThese are your memories about it, the most relevant "
        f"first, with the date of each:\n\n{memories}\n\nConsider them where they matter."
    )


async def validate_prompt(ctx: RequestContext, call_next: CallNext) -> HandlerResult:
    """Reject an unknown prompt, or one without a topic.

    The SDK treats both as server errors: it logs them and hides the cause from the client.
    """
    if ctx.method == "prompts/get":
        params = ctx.params or {}
        if params.get("name") != NAME:
            raise MCPError(INVALID_PARAMS, "Unknown prompt. prompts/list returns all prompts.")
        if not (params.get("arguments") or {}).get("topic"):
            raise MCPError(INVALID_PARAMS, "`topic`: Send the topic of the conversation.")
    return await call_next(ctx)


def add_prompts(server: MCPServer[Call]) -> None:
    server.prompt(name=NAME, title="Recall a topic", description=get_docstring(search_topic))(
        search_topic
    )
