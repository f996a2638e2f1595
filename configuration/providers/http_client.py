"""The HTTP client for providers, which limits the size and duration of a response."""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import httpx2
import openai

from configuration.base_urls import server_origin
from configuration.key_destinations import PROVIDER_VARIABLES
from core.forbidden_addresses import (
    ForbiddenAddress,
    check_host,
    check_resolved_host,
)

# Bytes of a response: 64 vectors of 4,000 dimensions in JSON are 6 MB.
MAX_BYTES = 16 * 1024 * 1024

COMPRESSIONS = ("gzip", "x-gzip", "deflate")
ANY_WBITS = zlib.MAX_WBITS + 32  # of zlib: detects the header of either


class ResponseTooLarge(httpx2.ReadError):
    """The response has more than MAX_BYTES."""


class ForbiddenDestination(httpx2.ConnectError):
    """The base URL leads to a link-local address, or to the metadata service of a cloud."""


class _LimitedStream(httpx2.SyncByteStream):
    """The bytes of a response, decompressed, which must arrive by the request's deadline."""

    def __init__(self, response: httpx2.Response, stream: httpx2.SyncByteStream) -> None:
        self._stream = stream
        self._request = response.request
        self._remaining = MAX_BYTES
        is_compressed = response.headers.get("content-encoding") in COMPRESSIONS
        self._decompressor = zlib.decompressobj(wbits=ANY_WBITS) if is_compressed else None

    def __iter__(self) -> Iterator[bytes]:
        for received in self._stream:
            chunk = self._decompress(received)
            self._remaining -= len(chunk)
            if self._remaining < 0:
                raise ResponseTooLarge("The response is too large.", request=self._request)
            # The client's timeout applies to each read: a slow drip of bytes would never exceed it.
            if time.monotonic() > self._request.extensions["deadline"]:
                raise httpx2.ReadTimeout("The response takes too long.", request=self._request)
            yield chunk

    def close(self) -> None:
        self._stream.close()

    def _decompress(self, received: bytes) -> bytes:
        if self._decompressor is None:
            return received
        try:
            return self._decompressor.decompress(received, self._remaining + 1)
        except zlib.error as error:
            raise httpx2.ReadError("This is not compressed.", request=self._request) from error


def build_http_client() -> openai.DefaultHttpxClient:
    """Create a client to be shared by all threads of the process.

    It follows no redirects, which could send users' memories to a server that nobody configured.
    """
    return openai.DefaultHttpxClient(
        follow_redirects=False,
        # Some proxies compress all the same.
        headers={"Accept-Encoding": "identity"},
        event_hooks={"request": [_set_deadline, _guard], "response": [_limit_response]},
    )


def build_headers(base_url: str) -> dict[str, Any]:
    """Leave out the headers that OpenAI's client takes from the environment, for other servers."""
    if server_origin(base_url) == PROVIDER_VARIABLES["OPENAI_API_KEY"]:
        return {}
    lines = os.environ.get("OPENAI_CUSTOM_HEADERS", "").split("\n")
    names = [line.partition(":")[0].strip() for line in lines if ":" in line]
    omitted = {name: openai.Omit() for name in names if name.lower() != "authorization"}
    return {**omitted, "OpenAI-Organization": openai.Omit(), "OpenAI-Project": openai.Omit()}


def _set_deadline(request: httpx2.Request) -> None:
    request.extensions["deadline"] = time.monotonic() + request.extensions["timeout"]["read"]


def _guard(request: httpx2.Request) -> None:
    """Raises ForbiddenDestination, here or while connecting."""
    with _refused_addresses(request):
        check_host(request.url.host)  # also behind an HTTP proxy, which looks names up itself
    request.extensions["trace"] = partial(_check_connection, request)


def _check_connection(request: httpx2.Request, event: str, info: Mapping[str, Any]) -> None:
    """Check where a name leads, and again what was connected to: the answer may have changed."""
    with _refused_addresses(request):
        if event == "connection.connect_tcp.started":
            check_resolved_host(info["host"])
        elif event == "connection.connect_tcp.complete":
            stream = info["return_value"]
            with ExitStack() as closing:
                closing.callback(stream.close)
                check_host(str(stream.get_extra_info("server_addr")[0]))
                closing.pop_all()


@contextmanager
def _refused_addresses(request: httpx2.Request) -> Iterator[None]:
    try:
        yield
    except ForbiddenAddress:
        raise ForbiddenDestination("The address is forbidden.", request=request) from None


def _limit_response(response: httpx2.Response) -> None:
    assert isinstance(response.stream, httpx2.SyncByteStream)  # noqa: S101
    response.stream = _LimitedStream(response, response.stream)
    if response.headers.get("content-encoding") in COMPRESSIONS:
        del response.headers["content-encoding"]  # or it would be decompressed again
