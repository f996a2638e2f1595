"""Send a response as fast as its client reads it, without holding a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from core.api.problems import MEDIA_TYPE, Problem, ProblemResponse

from . import limits
from .exchange import Exchange
from .request_body import Receive
from .thread_pools import Pool
from .wsgi_response import FilePart, Headers, Response

Send = Callable[[Any], Awaitable[None]]


class ResponseSender:
    """Sends the response to one request."""

    def __init__(self, send: Send, receive: Receive, exchange: Exchange, *, is_head: bool) -> None:
        self.exchange = exchange
        self._send, self._receive = send, receive
        self._is_head = is_head
        self._loop = asyncio.get_running_loop()

    async def send_problem(self, problem: Problem) -> None:
        content = ProblemResponse(problem).content
        fields = {"Content-Type": MEDIA_TYPE, "Content-Length": len(content), **problem.headers}
        headers = [(name.encode(), str(value).encode()) for name, value in fields.items()]
        await self.start(Response(problem.status, headers, content), close=True)
        await self.finish(content, close=True)

    async def start(self, response: Response, *, close: bool = False) -> None:
        headers = [*response.headers, (b"connection", b"close")] if close else response.headers
        await self._send(
            {"type": "http.response.start", "status": response.status, "headers": headers}
        )

    async def finish(self, content: bytes = b"", *, close: bool = False) -> None:
        """Send the end of a response. With `close` the rest of the request's body is dropped."""
        if close:
            await self._send_part(content)
            await self._linger()
            content = b""
        await self._send({"type": "http.response.body", "body": content, "more_body": False})

    async def send_file(self, file: FilePart, files: Pool) -> None:
        offset = file.start
        while not self.exchange.is_gone and not self._is_head and offset < file.end:
            part = await files.run(file.read, offset, limits.CHUNK_BYTES)
            if not part:
                break
            await self._send_part(part)
            offset += len(part)

    def stream(self, status: int, headers: Headers, chunks: Iterator[bytes]) -> None:
        """Send chunks as they come, from the thread that they come from."""
        self._wait(self.start(Response(status, headers, b"")))
        for chunk in chunks:
            if self.exchange.is_gone:
                break
            self._wait(self._send_part(chunk))

    def _wait(self, sending: Any) -> None:
        asyncio.run_coroutine_threadsafe(sending, self._loop).result()

    async def _send_part(self, part: bytes) -> None:
        await self._send({"type": "http.response.body", "body": part, "more_body": True})

    async def _linger(self) -> None:
        """Drop what the client still sends: it would lose the response with its connection."""
        dropped = 0
        try:
            async with asyncio.timeout(limits.LINGER_SECONDS):
                while dropped < limits.LINGER_BYTES:
                    message = await self._receive()
                    dropped += len(message.get("body", b""))
                    if not message.get("more_body"):
                        return
        except TimeoutError:
            return
