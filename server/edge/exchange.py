"""A connection of uvicorn with bounds: on its headers, on waiting, and on what is not read."""

from __future__ import annotations

import re
from typing import Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from core.api.problems import MEDIA_TYPE, Problem, ProblemResponse

from . import limits

_NOT_ASCII = re.compile(rb"[\x80-\xff]")


class Exchange:
    """A request and its response, as the ASGI application sees their connection."""

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle

    @property
    def is_gone(self) -> bool:
        return self._cycle.disconnected or self._cycle.transport.is_closing()

    def abort(self) -> None:
        self._cycle.disconnected = True
        self._cycle.transport.abort()


class EdgeConnection(HttpToolsProtocol):
    # When it began to wait for a request, or for the rest of its headers.
    waiting_since: float = 0.0
    # When the client last read something while there was something to read.
    read_at: float = 0.0

    _between_requests = True
    _header_bytes = 0
    _in_headers = False
    _unread = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.waiting_since = self.loop.time()
        if len(self.connections) > limits.CONNECTIONS:
            self._close_longest_waiting()

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        if self._between_requests and not data.isascii():
            data = _quote_target(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._refuse(Problem(400, "malformed", "The request is not valid HTTP."))
        if self._in_headers:
            self._header_bytes += len(data)
            if self._header_bytes > limits.HEADER_BYTES and not self.transport.is_closing():
                self._refuse(Problem(431, "head_too_large", "The headers are too large."))

    def _ignore_upgrade(self, rest: bytes) -> None:
        """Parse the request once more, as one that does not ask for another protocol.

        The parser takes a body that follows such a request for that protocol. Some clients offer
        HTTP/2 in every first request.
        """
        method, version = self.parser.get_method(), self.parser.get_http_version()
        if method == b"CONNECT":
            self._refuse(Problem(400, "malformed", "This server is not a proxy."))
            return
        lines = [b"%b %b HTTP/%b" % (method, self.url, version.encode())]
        lines += [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(b"\r\n".join([*lines, b"", rest]))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_headers, self._header_bytes = True, 0
        self._between_requests = False
        self.waiting_since = self.loop.time()

    def on_headers_complete(self) -> None:
        self._in_headers = False
        if not self.parser.should_upgrade():
            super().on_headers_complete()
            self.scope["state"]["exchange"] = Exchange(self.cycle)

    def on_message_complete(self) -> None:
        if not self.parser.should_upgrade():
            super().on_message_complete()
            self._between_requests = True

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self.waiting_since = self.loop.time()

    @property
    def is_waiting(self) -> bool:
        """Whether it has no request that is being received or answered."""
        return self.cycle is None or self.cycle.response_complete

    def close_if_overdue(self) -> None:
        """Close it if the client has taken too long to send headers, or to read."""
        now = self.loop.time()
        unread = self.transport.get_write_buffer_size()
        if not unread or unread != self._unread:
            self._unread, self.read_at = unread, now
        limit = limits.HEADER_SECONDS if self._in_headers else limits.IDLE_SECONDS
        is_late = self.is_waiting and now - self.waiting_since > limit
        if is_late or now - self.read_at > limits.UNREAD_SECONDS:
            self.transport.abort()

    def _close_longest_waiting(self) -> None:
        everyone = cast(set[EdgeConnection], self.connections)
        waiting = [each for each in everyone if each.is_waiting and each is not self]
        if waiting:
            min(waiting, key=lambda each: each.waiting_since).transport.abort()

    def _refuse(self, problem: Problem) -> None:
        """Respond to what is no request. A response that has begun ends there."""
        if self.cycle and self.cycle.response_started and not self.cycle.response_complete:
            self.transport.abort()
            return
        content = ProblemResponse(problem).content
        head = (
            f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(content)}\r\n"
            "connection: close\r\n\r\n"
        )
        self.transport.write(STATUS_LINE[problem.status] + head.encode() + content)
        self.transport.close()


def _quote_target(data: bytes) -> bytes:
    """Quote what is not ASCII in a request's first line, as `curl` sends a URL as it was typed."""
    line, separator, rest = data.partition(b"\r\n")
    return _NOT_ASCII.sub(lambda match: b"%%%02X" % match[0][0], line) + separator + rest
