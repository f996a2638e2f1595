"""The HTTP client that providers are called with: no answer is too large, or takes for ever."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx2
import openai

# Bytes of an answer: 64 vectors of 4,000 dimensions, written out, are 6 MB.
MAX_BYTES = 16 * 1024 * 1024


class TooLarge(httpx2.ReadError):
    """An answer with more than MAX_BYTES."""


class _Bounded(httpx2.SyncByteStream):
    """The bytes of an answer, which have to come by a time of the monotonic clock."""

    def __init__(self, stream: httpx2.SyncByteStream, request: httpx2.Request) -> None:
        self._stream = stream
        self._request = request
        self._left = MAX_BYTES

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            self._left -= len(chunk)
            if self._left < 0:
                raise TooLarge("The answer is too large.", request=self._request)
            # A time-out of the client is one for each read: a byte now and then would meet it.
            if time.monotonic() > self._request.extensions["deadline"]:
                raise httpx2.ReadTimeout("The answer takes too long.", request=self._request)
            yield chunk

    def close(self) -> None:
        self._stream.close()


def bounded_client() -> openai.DefaultHttpxClient:
    """Make a client for all threads of the process.

    It follows no redirect, which would send people's memories to a server that nobody configured.
    """
    return openai.DefaultHttpxClient(
        follow_redirects=False,
        # Unpacking what came packed would need a bound of its own.
        headers={"Accept-Encoding": "identity"},
        event_hooks={"request": [_begin], "response": [_bound]},
    )


def _begin(request: httpx2.Request) -> None:
    request.extensions["deadline"] = time.monotonic() + request.extensions["timeout"]["read"]


def _bound(response: httpx2.Response) -> None:
    assert isinstance(response.stream, httpx2.SyncByteStream)  # noqa: S101
    response.stream = _Bounded(response.stream, response.request)
