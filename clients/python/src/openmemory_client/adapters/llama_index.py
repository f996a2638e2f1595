"""A memory block for LlamaIndex's `Memory`."""

from __future__ import annotations

from typing import Any

from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.memory.memory import BaseMemoryBlock
from pydantic import Field, PrivateAttr

from openmemory_client.async_client import AsyncClient

MOST_MESSAGES = 200


class OpenMemoryBlock(BaseMemoryBlock[str]):
    """Stores what leaves the short-term memory, and recalls what the last message is about."""

    name: str = "OpenMemory"
    max_tokens: int = Field(default=800, description="The most tokens of what is recalled.")
    whose: dict[str, Any] = Field(default_factory=dict, description="Such as a `user_id`.")
    _client: AsyncClient = PrivateAttr()

    def __init__(self, client: AsyncClient, **fields: Any) -> None:
        super().__init__(**fields)
        self._client = client

    async def _aget(self, messages: list[ChatMessage] | None = None, **kwargs: Any) -> str:
        asked = [each.content for each in messages or [] if each.role == MessageRole.USER]
        query = asked[-1] if asked else None
        known = await self._client.context(query, max_tokens=self.max_tokens, **self.whose)
        return known.text

    async def _aput(self, messages: list[ChatMessage]) -> None:
        said = [
            {"role": each.role.value, "content": each.content}
            for each in messages
            if each.content and each.role in (MessageRole.USER, MessageRole.ASSISTANT)
        ]
        for first in range(0, len(said), MOST_MESSAGES):
            await self._client.add(messages=said[first : first + MOST_MESSAGES], **self.whose)

    async def atruncate(self, content: str, tokens_to_truncate: int) -> str | None:
        return None
