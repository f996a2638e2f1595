"""The threads of a web process, by what they do: no kind waits for another."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from django.conf import settings

from .limits import UPLOADS, WAITING_REQUESTS
from .request_head import RequestHead

T = TypeVar("T")

# Streams beyond the limit need a thread to be told so.
SPARE_STREAM_THREADS = 4


class Pool:
    """Threads that client addresses take turns at: none waits behind all requests of another."""

    def __init__(self, name: str, threads: int) -> None:
        self._threads = self._free = threads
        self._unfinished = 0
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}  # the next address first
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)

    @property
    def is_full(self) -> bool:
        return self._unfinished >= self._threads + WAITING_REQUESTS

    async def run(self, function: Callable[..., T], *arguments: Any, address: str = "") -> T:
        self._unfinished += 1
        try:
            await self._take_thread(address)
            try:
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._executor, function, *arguments)
            finally:
                self._give_thread()
        finally:
            self._unfinished -= 1

    async def _take_thread(self, address: str) -> None:
        if self._free:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(address, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it was this one's turn at the same moment
                self._give_thread()
            raise

    def _give_thread(self) -> None:
        while self._waiting:
            address = next(iter(self._waiting))
            turns = self._waiting.pop(address)
            turn = turns.popleft()
            if turns:
                self._waiting[address] = turns
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


class Pools:
    def __init__(self) -> None:
        self.requests = Pool("request", settings.WEB_THREADS)
        self.streams = Pool("stream", settings.AGENT_STREAMS + SPARE_STREAM_THREADS)
        self.uploads = Pool("upload", UPLOADS)
        self.health = Pool("health", 4)
        self.keys = Pool("key", 4)
        self.files = Pool("file", 4)

    def for_request(self, head: RequestHead) -> Pool:
        if head.path.startswith("/health/"):
            return self.health
        if head.method == "GET" and head.path.startswith("/mcp/"):
            return self.streams
        return self.requests
