"""The threads of a web process, by what they do: no kind waits for another."""

from __future__ import annotations

import asyncio
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
    def __init__(self, name: str, threads: int) -> None:
        self.threads = threads
        self.unfinished = 0
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)

    @property
    def is_full(self) -> bool:
        return self.unfinished >= self.threads + WAITING_REQUESTS

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        self.unfinished += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._executor, function, *arguments)
        finally:
            self.unfinished -= 1


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
