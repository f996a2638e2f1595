"""Requests byte by byte, as no library sends them."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import NamedTuple

from tests.deadline import SECONDS

from .processes import Server


class Answer(NamedTuple):
    status: int | None  # None if the connection was closed without an answer
    headers: str
    body: str
    is_closed: bool


def connect(server: Server, source: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(
        ("127.0.0.1", server.port), timeout=SECONDS, source_address=(source, 0)
    )


def head(
    server: Server, method: str, path: str, *headers: str, key: str | None = "", host: bool = True
) -> bytes:
    """The head of a request, with the server's own key unless another one or None is named."""
    lines = [f"{method} {path} HTTP/1.1"]
    if host:
        lines.append(f"Host: 127.0.0.1:{server.port}")
    if key is not None:
        lines.append(f"Authorization: Bearer {key or server.key}")
    return "\r\n".join([*lines, *headers, "", ""]).encode()


def read_answer(client: socket.socket) -> Answer:
    """Read one answer, which has a length, or the end of the connection."""
    received, is_closed = b"", False
    with suppress(ConnectionResetError):
        while not _is_complete(received):
            part = client.recv(65536)
            if not part:
                break
            received += part
    is_closed = not _is_complete(received)
    if not received:
        return Answer(None, "", "", True)
    top, _, body = received.partition(b"\r\n\r\n")
    line, _, headers = top.decode().partition("\r\n")
    return Answer(int(line.split()[1]), headers.lower(), body.decode(), is_closed)


def ask(server: Server, request: bytes, *, half_close: bool = False) -> Answer:
    with connect(server) as client:
        client.sendall(request)
        if half_close:
            client.shutdown(socket.SHUT_WR)
        return read_answer(client)


def _is_complete(received: bytes) -> bool:
    top, separator, body = received.partition(b"\r\n\r\n")
    if not separator:
        return False
    for line in top.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.partition(b":")[2])
    return body.endswith(b"0\r\n\r\n")
