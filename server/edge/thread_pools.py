"""The threads of a web process, by what they do: no kind waits for another."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from django.conf import settings

from core.processor_turns import Turn, take

from .limits import RUNNING_PER_CLIENT, UPLOADS, WAITING_REQUESTS
from .request_head import RequestHead

T = TypeVar("T")

# Streams beyond the limit need a thread to be told so.
SPARE_STREAM_THREADS = 4


@dataclass(frozen=True, eq=False)
class Waiting:
    client: str
    has_thread: asyncio.Future[None]


class Pool:
    """Threads that are shared fairly.

    Client addresses take turns at them: none waits behind all requests of another. And of one
    client, which is a key or an address without one, only a few run at once while others have
    requests, too: threads share one processor.
    """

    def __init__(self, name: str, threads: int, *, running_per_client: int | None = None) -> None:
        self._threads = self._free = threads
        self._limit = running_per_client or threads
        self._unfinished: Counter[str] = Counter()  # by client, as is the next
        self._running: Counter[str] = Counter()
        self._waiting: dict[str, deque[Waiting]] = {}  # the next address first
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)

    @property
    def is_full(self) -> bool:
        return self._unfinished.total() >= self._threads + WAITING_REQUESTS

    async def run(
        self, function: Callable[..., T], *arguments: Any, address: str = "", key: str = ""
    ) -> T:
        client = key or address
        self._unfinished[client] += 1
        try:
            await self._wait_for_thread(client, address)
            try:
                loop = asyncio.get_running_loop()
                turn = Turn(
                    partial(loop.call_soon_threadsafe, self._count_running, client, -1),
                    partial(loop.call_soon_threadsafe, self._count_running, client, 1),
                )
                call = partial(take, turn, function)
                return await loop.run_in_executor(self._executor, call, *arguments)
            finally:
                self._give_thread_back(client)
        finally:
            self._unfinished[client] -= 1
            if not self._unfinished[client]:
                del self._unfinished[client], self._running[client]
            self._start_waiting()

    async def _wait_for_thread(self, client: str, address: str) -> None:
        if self._free and not self._waiting and self._may_run(client):
            self._take_thread(client)
            return
        waiting = Waiting(client, asyncio.get_running_loop().create_future())
        self._waiting.setdefault(address, deque()).append(waiting)
        self._start_waiting()
        try:
            await waiting.has_thread
        except asyncio.CancelledError:
            if not waiting.has_thread.cancelled():  # it was given one at the same moment
                self._give_thread_back(client)
            raise

    def _take_thread(self, client: str) -> None:
        self._free -= 1
        self._running[client] += 1

    def _give_thread_back(self, client: str) -> None:
        self._free += 1
        self._running[client] -= 1

    def _start_waiting(self) -> None:
        while self._free and (waiting := self._next()):
            self._take_thread(waiting.client)
            waiting.has_thread.set_result(None)

    def _next(self) -> Waiting | None:
        """Take the request out that is to run next, if one may. Its address is last from now on."""
        for address, queue in self._waiting.items():
            for waiting in tuple(queue):
                if waiting.has_thread.done():  # it was cancelled
                    queue.remove(waiting)
                elif self._may_run(waiting.client):
                    queue.remove(waiting)
                    del self._waiting[address]
                    if queue:
                        self._waiting[address] = queue
                    return waiting
        self._waiting = {address: queue for address, queue in self._waiting.items() if queue}
        return None

    def _may_run(self, client: str) -> bool:
        return self._running[client] < self._limit or len(self._unfinished) == 1

    def _count_running(self, client: str, change: int) -> None:
        """Count a request no more that waits for something else, or again."""
        self._running[client] += change
        self._start_waiting()


class Pools:
    def __init__(self) -> None:
        self.requests = Pool("request", settings.WEB_THREADS, running_per_client=RUNNING_PER_CLIENT)
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
