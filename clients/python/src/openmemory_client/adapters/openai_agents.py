"""OpenAI's Agents SDK: tools that remember and search, and a hook that recalls before a call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from agents.run import CallModelData, ModelInputData

from agents import FunctionTool, function_tool
from openmemory_client.async_client import AsyncClient


def memory_tools(client: AsyncClient, **whose: Any) -> list[FunctionTool]:
    """Tools for an agent. `whose` is given to each call, such as `user_id="ann"`."""

    @function_tool
    async def remember(text: str) -> str:
        """Store something worth knowing about the user for later conversations.

        Args:
            text: One fact, as a sentence that is understood without its conversation.
        """
        await client.add(text, **whose)
        return "Remembered."

    @function_tool
    async def search_memories(query: str) -> str:
        """Search what is known about the user from earlier conversations.

        Args:
            query: A question, or keywords.
        """
        found = await client.search(query, **whose)
        return "\n".join(f"- {hit.text}" for hit in found.hits) or "Nothing is known about this."

    return [remember, search_memories]


def recall_before_call(
    client: AsyncClient, *, max_tokens: int = 800, **whose: Any
) -> Callable[[CallModelData[Any]], Awaitable[ModelInputData]]:
    """A `call_model_input_filter`, which adds to the instructions what the input is about."""

    async def recall(data: CallModelData[Any]) -> ModelInputData:
        model = data.model_data
        query = last_user_text(model.input)
        known = await client.context(query, max_tokens=max_tokens, **whose)
        if not known.text:
            return model
        instructions = "\n\n".join(filter(None, [model.instructions, known.text]))
        return ModelInputData(input=model.input, instructions=instructions)

    return recall


def last_user_text(items: Any) -> str | None:
    """The text of the last message of the user, if there is one."""
    for item in reversed(list(items)):
        if isinstance(item, dict) and item.get("role") == "user":
            content = item.get("content")
            if isinstance(content, str):
                return content or None
            texts = [part.get("text", "") for part in content or [] if isinstance(part, dict)]
            return "\n".join(filter(None, texts)) or None
    return None
