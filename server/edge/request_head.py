"""Check the head of a request, and translate it for WSGI."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from django.conf import settings

from core.api.client_ip import network_of_client
from core.api.problems import Problem

from .limits import HEADER_BYTES, HEADERS, TARGET_BYTES

Headers = Iterable[tuple[bytes, bytes]]

_LENGTH = re.compile(rb"[0-9]{1,18}")

# Every reader would choose another one of two.
_SINGLE = {b"host", b"authorization", b"content-length", b"content-type", b"expect", b"origin"}
# Each proxy may have appended its own: the nearest one's counts.
_LAST = {b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-port", b"x-real-ip"}


class HeadRefused(Exception):
    """The head of a request is invalid. Its body cannot be delimited, or must not be read."""

    def __init__(self, status: int, detail: str) -> None:
        code = "malformed" if status == 400 else "head_too_large"
        self.problem = Problem(status, code, detail)
        super().__init__(detail)


@dataclass(frozen=True)
class RequestHead:
    environ: dict[str, Any]
    # Bytes of the body, None if it is chunked.
    length: int | None
    address: str

    @property
    def path(self) -> str:
        path: str = self.environ["PATH_INFO"]
        return path

    @property
    def method(self) -> str:
        method: str = self.environ["REQUEST_METHOD"]
        return method

    @property
    def key(self) -> str:
        """The Authorization header, whatever it says."""
        value: str = self.environ.get("HTTP_AUTHORIZATION", "")
        return value

    @property
    def expects_continue(self) -> bool:
        return "HTTP_EXPECT" in self.environ


def parse_head(scope: Mapping[str, Any]) -> RequestHead:
    """Return the head of a request, without headers that could be confused with others.

    Raises HeadRefused.
    """
    # The parser leaves what stands behind a value, which is no part of it (RFC 9110, 5.5).
    headers = [(name, value.strip(b" \t")) for name, value in scope["headers"]]
    _check_size(scope, headers)
    _check_names(headers)
    length = _body_length(scope["http_version"], headers)
    environ = _environ(scope, headers)
    peer = environ["REMOTE_ADDR"]
    address = network_of_client(peer, environ.get("HTTP_X_FORWARDED_FOR", ""))
    return RequestHead(environ, length, address)


def _check_size(scope: Mapping[str, Any], headers: Headers) -> None:
    target = len(scope["raw_path"]) + len(scope["query_string"])
    if target > TARGET_BYTES:
        raise HeadRefused(414, f"The address exceeds the limit of {TARGET_BYTES} bytes.")
    sizes = [len(name) + len(value) for name, value in headers]
    if len(sizes) > HEADERS or sum(sizes) > HEADER_BYTES:
        detail = f"The headers exceed the limit of {HEADERS}, or of {HEADER_BYTES} bytes in all."
        raise HeadRefused(431, detail)


def _check_names(headers: Headers) -> None:
    names = [name for name, _ in headers]
    for name in _SINGLE:
        if names.count(name) > 1:
            raise HeadRefused(400, f"The header {name.decode().title()} is repeated.")


def _body_length(version: str, headers: Headers) -> int | None:
    """Return the length of the body, None if it is chunked."""
    encodings = [value.strip().lower() for name, value in headers if name == b"transfer-encoding"]
    lengths = [value for name, value in headers if name == b"content-length"]
    hosts = [value for name, value in headers if name == b"host"]
    if version == "1.1" and not hosts:
        raise HeadRefused(400, "The Host header is missing.")
    if encodings and (encodings != [b"chunked"] or lengths or version != "1.1"):
        raise HeadRefused(
            400,
            "The only Transfer-Encoding is `chunked`, in HTTP/1.1 and without Content-Length.",
        )
    if lengths and not _LENGTH.fullmatch(lengths[0]):
        raise HeadRefused(400, "The Content-Length header is not a number of bytes.")
    return None if encodings else int(lengths[0]) if lengths else 0


def _environ(scope: Mapping[str, Any], headers: Headers) -> dict[str, Any]:
    (client, client_port), (server, port) = scope["client"] or ("", 0), scope["server"] or ("", 0)
    environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        # As it was sent: an encoded slash is not one that separates.
        "REQUEST_URI": scope["raw_path"].decode("latin-1"),
        "SERVER_NAME": server,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client,
        "REMOTE_PORT": str(client_port),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": settings.WEB_PROCESSES > 1,
        "wsgi.run_once": False,
    }
    for name, value in headers:
        _add_header(environ, name, value.decode("latin-1"))
    return environ


def _add_header(environ: dict[str, Any], name: bytes, value: str) -> None:
    # WSGI spells `-` as `_`, so a header with `_` would stand for one that only proxies may set.
    if b"_" in name:
        return
    key = name.decode("latin-1").upper().replace("-", "_")
    if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        key = f"HTTP_{key}"
    if key in environ and name not in _LAST:
        separator = "; " if name == b"cookie" else ","
        value = f"{environ[key]}{separator}{value}"
    if name in _LAST:
        value = value.rpartition(",")[2].strip()
    environ[key] = value
