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

from core.api.unread_body import ClientGone
from core.processor_turns import Turn, take

from .limits import RUNNING_REQUESTS, UPLOADS, WAITING_PER_CLIENT, WAITING_REQUESTS
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
    client, which is a key or an address without one, only its share of the requests that run at
    once does while others have some, too: threads share one processor.
    """

    def __init__(self, name: str, threads: int, *, running: int | None = None) -> None:
        self._threads = self._free = threads
        self._limit = running  # None: as many as there are threads, of whichever clients
        self._unfinished = 0
        # By client: requests that run, and those that run or wait to. Others wait for a job.
        self._running: Counter[str] = Counter()
        self._active: Counter[str] = Counter()
        # By address and client, the next ones first. Thousands may wait: none is looked at in vain.
        self._waiting: dict[str, dict[str, deque[Waiting]]] = {}
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)

    def is_full(self, *, address: str, key: str) -> bool:
        """Whether a request of this client has to be refused."""
        is_full = self._unfinished >= self._threads + WAITING_REQUESTS
        return is_full or self._active[key or address] >= self._threads + WAITING_PER_CLIENT

    async def run(
        self,
        function: Callable[..., T],
        *arguments: Any,
        address: str = "",
        key: str = "",
        is_gone: Callable[[], bool] = lambda: False,
    ) -> T:
        """Call a function in a thread. Raises ClientGone if there is none who waits for it."""
        client = key or address
        self._unfinished += 1
        self._active[client] += 1
        try:
            await self._wait_for_thread(client, address)
            try:
                if is_gone():
                    raise ClientGone
                loop = asyncio.get_running_loop()
                turn = Turn(
                    partial(loop.call_soon_threadsafe, self._count_active, client, -1),
                    partial(loop.call_soon_threadsafe, self._count_active, client, 1),
                )
                call = partial(take, turn, function)
                return await loop.run_in_executor(self._executor, call, *arguments)
            finally:
                self._give_thread_back(client)
        finally:
            self._unfinished -= 1
            _count(self._active, client, -1)
            self._start_waiting()

    async def _wait_for_thread(self, client: str, address: str) -> None:
        if self._free and not self._waiting and self._may_run(client):
            self._take_thread(client)
            return
        waiting = Waiting(client, asyncio.get_running_loop().create_future())
        self._waiting.setdefault(address, {}).setdefault(client, deque()).append(waiting)
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
        _count(self._running, client, -1)

    def _start_waiting(self) -> None:
        while self._free and (waiting := self._next()):
            self._take_thread(waiting.client)
            waiting.has_thread.set_result(None)

    def _next(self) -> Waiting | None:
        """Take the request out that is to run next, if one may. Its address is last from now on."""
        for address, queues in self._waiting.items():
            client = next((client for client in queues if self._may_run(client)), None)
            if client is not None:
                del self._waiting[address]
                waiting = _take_first(queues, client)
                if queues:
                    self._waiting[address] = queues
                return waiting if waiting else self._next()
        return None

    def _may_run(self, client: str) -> bool:
        if self._limit is None:
            return True
        return self._running[client] < max(1, self._limit // len(self._active))

    def _count_active(self, client: str, change: int) -> None:
        """Count a request no more that waits for something else, or again."""
        _count(self._running, client, change)
        _count(self._active, client, change)
        self._start_waiting()


def _take_first(queues: dict[str, deque[Waiting]], client: str) -> Waiting | None:
    """Take the client's first request out that was not cancelled. The client is last then."""
    queue = queues.pop(client)
    while queue:
        waiting = queue.popleft()
        if not waiting.has_thread.done():
            if queue:
                queues[client] = queue
            return waiting
    return None


def _count(counter: Counter[str], client: str, change: int) -> None:
    counter[client] += change
    if not counter[client]:
        del counter[client]


class Pools:
    def __init__(self) -> None:
        self.requests = Pool("request", settings.WEB_THREADS, running=RUNNING_REQUESTS)
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
