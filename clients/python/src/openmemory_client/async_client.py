"""The async client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Generic, Self, Unpack

import httpx

from . import calls, fields
from .calls import Call, T
from .errors import OpenMemoryError
from .models import Found, Memory, Namespace, PromptText, Stored
from .transport import Settings, failed, headers_of, pause_before, read

Namespaced = str | Sequence[str]


class AsyncPages(Generic[T]):
    """A list, fetched page by page while it is iterated."""

    def __init__(self, client: AsyncClient, call: Call[list[T]]) -> None:
        self._client, self._call = client, call

    async def __aiter__(self) -> AsyncIterator[T]:
        number = 1
        while True:
            items, last = await self._client._page(self._call.page(number))
            for item in items:
                yield item
            if number >= last:
                return
            number += 1

    async def all(self) -> list[T]:
        return [item async for item in self]


class AsyncClient:
    """Calls the API of OpenMemory with a key, with await.

    `url` and `key` default to OPENMEMORY_URL and OPENMEMORY_API_KEY. What fails for a moment is
    sent again, up to `retries` times, and carried out once. `app` is the app of all writes and
    searches that name none. Raises OpenMemoryError.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        app: str | None = None,
        timeout: float = 30.0,
        retries: int = 2,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.settings = Settings.of(url, key, app=app, timeout=timeout, retries=retries)
        self._http = httpx.AsyncClient(
            base_url=self.settings.base_url,
            headers=self.settings.headers,
            timeout=timeout,
            transport=transport,
        )

    async def aclose(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _send(self, call: Call[T]) -> T:
        headers, attempt = headers_of(call), 0
        while True:
            try:
                return read(call, await self._request(call, headers))
            except OpenMemoryError as error:
                seconds = pause_before(attempt, error, retries=self.settings.retries)
                if seconds is None:
                    raise
            await asyncio.sleep(seconds)
            attempt += 1

    async def _request(self, call: Call[T], headers: Mapping[str, str]) -> httpx.Response:
        try:
            return await self._http.request(
                call.method,
                call.path,
                params=call.parameters,
                content=call.content,
                headers=dict(headers),
            )
        except httpx.HTTPError as error:
            raise failed(error) from error

    async def _page(self, call: Call[list[T]]) -> tuple[list[T], int]:
        both = Call(
            call.operation,
            lambda answer: (call.read(answer), calls.last_page(answer)),
            call.names,
            call.query,
        )
        return await self._send(both)

    def _as_app(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        named = {"app": self.settings.app} if self.settings.app else {}
        return {**named, **fields}

    async def add(
        self,
        text: str | None = None,
        *,
        messages: Sequence[Mapping[str, str]] | None = None,
        wait: int | None = None,
        **more: Unpack[fields.NewMemory],
    ) -> Stored:
        """Store a text or a conversation. `wait` seconds for its facts."""
        return await self._send(calls.add(text, messages, self._as_app(more), wait))

    async def add_many(
        self,
        memories: Sequence[Mapping[str, Any]],
        *,
        atomic: bool = True,
        user_id: str | None = None,
    ) -> list[dict[str, Any]]:
        """Store up to 1,000 bodies of `add`: all or none, or each for itself."""
        return await self._send(calls.add_many(memories, atomic, user_id))

    async def get(
        self, memory_id: str, *, as_of: fields.Time | None = None, include_expired: bool = False
    ) -> Memory:
        """Get a memory."""
        return await self._send(calls.get(memory_id, as_of, include_expired))

    async def update(
        self, memory_id: str, *, if_match: str | None = None, **changes: Unpack[fields.Patch]
    ) -> Stored:
        """Change some fields. `metadata` is merged. With `if_match`, only this version."""
        return await self._send(calls.update(memory_id, changes, if_match))

    async def delete(self, memory_id: str, *, if_match: str | None = None) -> None:
        """Delete a memory."""
        await self._send(calls.delete(memory_id, if_match))

    async def delete_many(self, memory_ids: Sequence[str], *, user_id: str | None = None) -> None:
        """Delete these memories, all or none."""
        await self._send(calls.delete_many(memory_ids, user_id))

    def list(self, *, page_size: int = 100, **filters: Unpack[fields.List]) -> AsyncPages[Memory]:
        """Iterate over active memories, newest first."""
        return AsyncPages(self, calls.listed(filters, page_size))

    async def search(self, query: str, **more: Unpack[fields.Search]) -> Found:
        """Search by meaning and words."""
        return await self._send(calls.search(query, self._as_app(more)))

    async def context(self, query: str | None = None, **more: Unpack[fields.Prompt]) -> PromptText:
        """Compose what is known as a text for a prompt."""
        return await self._send(calls.context(self._as_app({"query": query, **more})))

    async def get_by_key(self, namespace: Namespaced, key: str) -> Memory:
        """Get the memory with a key of one's own."""
        return await self._send(calls.get_by_key(namespace, key))

    async def put_by_key(
        self,
        namespace: Namespaced,
        key: str,
        text: str,
        *,
        if_match: str | None = None,
        if_none_match: str | None = None,
        **more: Unpack[fields.KeyedMemory],
    ) -> Stored:
        """Store a memory by a key of one's own, or replace the one that has it."""
        return await self._send(
            calls.put_by_key(namespace, key, text, self._as_app(more), if_match, if_none_match)
        )

    async def delete_by_key(
        self, namespace: Namespaced, key: str, *, if_match: str | None = None
    ) -> None:
        """Delete the memory with a key of one's own."""
        await self._send(calls.delete_by_key(namespace, key, if_match))

    def namespaces(
        self, prefix: str | None = None, *, user_id: str | None = None, page_size: int = 100
    ) -> AsyncPages[Namespace]:
        """Iterate over the namespaces of keys of one's own."""
        return AsyncPages(self, calls.namespaces(prefix, user_id, page_size))

    def history(self, memory_id: str) -> AsyncPages[dict[str, Any]]:
        """What a memory was, newest first."""
        return AsyncPages(self, calls.pages_of_memory("history", memory_id))

    def related(self, memory_id: str) -> AsyncPages[dict[str, Any]]:
        """Memories that are related to one."""
        return AsyncPages(self, calls.pages_of_memory("related", memory_id))

    def access_log(self, memory_id: str) -> AsyncPages[dict[str, Any]]:
        """Who has read a memory."""
        return AsyncPages(self, calls.pages_of_memory("access-log", memory_id))

    def log(
        self, *, after: int | None = None, memory_id: str | None = None
    ) -> AsyncPages[dict[str, Any]]:
        """Iterate over the lines of the log."""
        return AsyncPages(self, calls.log({"after": after, "memory_id": memory_id}))

    async def undo(
        self, sequence: int, *, run: bool = False, user_id: str | None = None
    ) -> dict[str, Any]:
        """Take back what a line of the log tells, or all of its run."""
        return await self._send(calls.undo(sequence, run, user_id))

    async def archive(
        self, memory_ids: Sequence[str], *, user_id: str | None = None
    ) -> dict[str, Any]:
        """Archive memories."""
        return await self._send(calls.archive(memory_ids, user_id))

    async def pause(
        self, memory_ids: Sequence[str], *, user_id: str | None = None
    ) -> dict[str, Any]:
        """Hide memories from apps."""
        return await self._send(calls.put_state(memory_ids, "paused", user_id))

    async def resume(
        self, memory_ids: Sequence[str], *, user_id: str | None = None
    ) -> dict[str, Any]:
        """Make memories active again."""
        return await self._send(calls.put_state(memory_ids, "active", user_id))

    async def categories(self, *, user_id: str | None = None) -> dict[str, Any]:
        """The categories with their counts."""
        return await self._send(calls.categories(user_id))

    def apps(self, *, user_id: str | None = None) -> AsyncPages[dict[str, Any]]:
        """Iterate over the apps."""
        return AsyncPages(self, calls.apps({"user_id": user_id}))

    async def set_app_active(self, app_id: str, is_active: bool) -> dict[str, Any]:
        """Pause or resume an app."""
        return await self._send(calls.set_app_active(app_id, is_active))

    async def stats(self, *, user_id: str | None = None) -> dict[str, Any]:
        """Statistics of the user."""
        return await self._send(calls.stats(user_id))

    async def job(self, job_id: str) -> dict[str, Any]:
        """A background job."""
        return await self._send(calls.job(job_id))

    async def me(self) -> dict[str, Any]:
        """The user of the key."""
        return await self._send(calls.me())
