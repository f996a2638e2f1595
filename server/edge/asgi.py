"""The ASGI application that receives requests, and has threads answer them."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack, suppress
from typing import Any

from core.api.exception_handler import OVERLOADED
from core.api.unread_body import ClientGone

from . import limits, wsgi_response
from .body_reception import BodyReception
from .exchange import Exchange
from .key_checks import KeyChecks
from .request_body import Receive, RequestBody
from .request_head import HeadRefused, RequestHead, parse_head
from .response_sender import ResponseSender, Send
from .slots import Displaced, Slots
from .thread_pools import Pools
from .wsgi_response import Application, FilePart


class Edge:
    def __init__(self, application: Application) -> None:
        self._application = application
        self._pools = Pools()
        self._bodies = BodyReception(KeyChecks(self._pools.keys))
        self._refusals = Budget(limits.REFUSALS_PER_SECOND)
        self._large_responses = Slots(limits.LARGE_RESPONSES, limits.LARGE_RESPONSES_PER_ADDRESS)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        exchange: Exchange = scope["state"]["exchange"]
        sender = ResponseSender(send, receive, exchange, is_head=scope["method"] == "HEAD")
        try:
            head = parse_head(scope)
        except HeadRefused as error:
            await sender.send_problem(error.problem)
            return
        with suppress(ClientGone):
            async with AsyncExitStack() as resources:
                body = await self._bodies.receive(head, receive, resources)
                await self._respond(head, body, sender)

    async def _respond(self, head: RequestHead, body: RequestBody, sender: ResponseSender) -> None:
        pool = self._pools.uploads if body.upload else self._pools.for_request(head)
        is_full = pool.is_full(address=head.address, key=head.key)
        problem = OVERLOADED if is_full else body.refusal
        if problem and (is_full or not self._refusals.spend()):
            await sender.send_problem(problem)
            return
        environ = {**head.environ, **body.environ()}
        response = await pool.run(
            wsgi_response.call,
            self._application,
            environ,
            sender.stream,
            address=head.address,
            key=head.key,
            is_gone=lambda: sender.exchange.is_gone,
        )
        close = not body.is_complete
        if response is None:  # it was sent while it came
            await sender.finish(close=close)
        elif isinstance(response.body, FilePart):
            await sender.start(response, close=close)
            await self._send_file(response.body, head.address, sender)
            await sender.finish(close=close)
        else:
            await sender.start(response, close=close)
            await sender.finish(response.body, close=close)

    async def _send_file(self, file: FilePart, address: str, sender: ResponseSender) -> None:
        try:
            async with self._large_responses.hold(address):
                await sender.send_file(file, self._pools.files)
        except Displaced:
            sender.exchange.abort()
        finally:
            file.close()


class Budget:
    """Allows so many things a second."""

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._second, self._left = 0, 0

    def spend(self) -> bool:
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._left = second, self._per_second
        self._left -= 1
        return self._left >= 0
