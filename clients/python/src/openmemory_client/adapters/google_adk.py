"""Google ADK's long-term memory."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from google.adk.memory.base_memory_service import BaseMemoryService, SearchMemoryResponse
from google.adk.memory.memory_entry import MemoryEntry
from google.genai import types

from openmemory_client.async_client import AsyncClient

from .labels import join_labels


class OpenMemoryService(BaseMemoryService):
    """Stores the turns of sessions, each once, and finds them for their user and app alone."""

    def __init__(self, client: AsyncClient, *, root: str = "adk", top_k: int = 10) -> None:
        self._client, self._root, self._top_k = client, root, top_k

    async def add_session_to_memory(self, session: Any) -> None:
        """The same session again stores its new turns, and changes no others."""
        namespace = self._namespace(session.app_name, session.user_id)
        for event in session.events:
            text = _text_of(event)
            if text.strip():
                await self._client.put_by_key(
                    namespace,
                    f"{session.id}:{event.id}",
                    text,
                    actor=event.author or None,
                    conversation=session.id,
                    timestamp=int(event.timestamp),
                )

    async def search_memory(
        self, *, app_name: str, user_id: str, query: str
    ) -> SearchMemoryResponse:
        if not query.strip():
            return SearchMemoryResponse(memories=[])
        found = await self._client.search(
            query, top_k=self._top_k, filters={"namespace": self._namespace(app_name, user_id)}
        )
        return SearchMemoryResponse(
            memories=[
                MemoryEntry(
                    content=types.Content(parts=[types.Part(text=hit.text)], role="user"),
                    author=hit.actor,
                    timestamp=_iso(hit.created_at),
                )
                for hit in found.hits
            ]
        )

    def _namespace(self, app_name: str, user_id: str) -> str:
        return join_labels((self._root, app_name, user_id))


def _text_of(event: Any) -> str:
    parts = (event.content and event.content.parts) or []
    return "\n".join(part.text for part in parts if part.text)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
