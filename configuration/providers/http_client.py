"""The HTTP client for providers, which limits the size and duration of a response."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx2
import openai

# Bytes of a response: 64 vectors of 4,000 dimensions in JSON are 6 MB.
MAX_BYTES = 16 * 1024 * 1024


class ResponseTooLarge(httpx2.ReadError):
    """The response has more than MAX_BYTES."""


class _LimitedStream(httpx2.SyncByteStream):
    """The bytes of a response, which must arrive by the request's deadline."""

    def __init__(self, stream: httpx2.SyncByteStream, request: httpx2.Request) -> None:
        self._stream = stream
        self._request = request
        self._remaining = MAX_BYTES

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            self._remaining -= len(chunk)
            if self._remaining < 0:
                raise ResponseTooLarge("The response is too large.", request=self._request)
            # The client's timeout applies to each read: a slow drip of bytes would never exceed it.
            if time.monotonic() > self._request.extensions["deadline"]:
                raise httpx2.ReadTimeout("The response takes too long.", request=self._request)
            yield chunk

    def close(self) -> None:
        self._stream.close()


def build_http_client() -> openai.DefaultHttpxClient:
    """Create a client to be shared by all threads of the process.

    It follows no redirects, which could send users' memories to a server that nobody configured.
    """
    return openai.DefaultHttpxClient(
        follow_redirects=False,
        # The size of decompressed data would need a limit of its own.
        headers={"Accept-Encoding": "identity"},
        event_hooks={"request": [_set_deadline], "response": [_limit_response]},
    )


def _set_deadline(request: httpx2.Request) -> None:
    request.extensions["deadline"] = time.monotonic() + request.extensions["timeout"]["read"]


def _limit_response(response: httpx2.Response) -> None:
    assert isinstance(response.stream, httpx2.SyncByteStream)  # noqa: S101
    response.stream = _LimitedStream(response.stream, response.request)
