"""More slow clients than there are threads cost the others nothing."""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.deadline import eventually

from .processes import Server
from .raw_http import ask, connect, head, read_answer

THREADS = 3
SLOW_CLIENTS = 60
JSON = "Content-Type: application/json"
LENGTH = "Content-Length: 1000"
CHUNKED = "Transfer-Encoding: chunked"
FORM = "Content-Type: multipart/form-data; boundary=x"


@pytest.fixture(scope="module")
def narrow_server() -> Iterator[Server]:
    """A server with one process and few threads."""
    server = Server(
        Path(tempfile.mkdtemp(prefix="om-")),
        OPENMEMORY_WEB_PROCESSES="1",
        OPENMEMORY_WEB_THREADS=str(THREADS),
        OPENMEMORY_DATABASE_POOL=str(THREADS),
        OPENMEMORY_RATE_FAILED_KEYS="off",
        OPENMEMORY_RATE_SIGN_INS="off",
    )
    try:
        server.start()
        yield server
    finally:
        server.kill_everything()
        shutil.rmtree(server.state_dir)


def beginnings(server: Server) -> dict[str, bytes]:
    return {
        "idle": b"",
        "headers": b"GET /api/v1/memories HTTP/1.1\r\nX-Slow: ",
        "body": head(server, "POST", "/api/v1/memories", JSON, LENGTH, key=None) + b"{",
        "body of a wrong key": head(server, "POST", "/api/v1/memories", LENGTH, key="x") + b"{",
        "chunked": head(server, "POST", "/api/v1/memories", CHUNKED, key=None) + b"1\r\n{\r\n",
        "sign-in": head(server, "POST", "/admin/login/", LENGTH, key=None) + b"u",
        "chunked sign-in": head(server, "POST", "/admin/login/", CHUNKED, key=None) + b"1\r\nu\r\n",
        "agent": head(server, "POST", "/mcp", JSON, LENGTH, key=None) + b"{",
        "keyed body": head(server, "POST", "/api/v1/memories", JSON, LENGTH) + b"{",
        "keyed chunked": head(server, "POST", "/api/v1/memories", JSON, CHUNKED) + b"1\r\n{\r\n",
        "keyed agent": head(server, "POST", "/mcp", JSON, LENGTH) + b"{",
        "keyed import": head(
            server, "POST", "/api/v1/backup/import", FORM, "Content-Length: 9000000"
        )
        + b"--x",
    }


@pytest.mark.parametrize("sort", [
    "idle", "headers", "body", "body of a wrong key", "chunked", "sign-in", "chunked sign-in",
    "agent", "keyed body", "keyed chunked", "keyed agent", "keyed import",
])  # fmt: skip
@pytest.mark.parametrize("addresses", [1, 64])
def test_slow_clients_stop_nobody(narrow_server, sort, addresses):
    beginning = beginnings(narrow_server)[sort]
    with ExitStack() as stack:
        for number in range(SLOW_CLIENTS):
            client = connect(narrow_server, f"127.0.0.{2 + number % addresses}")
            stack.enter_context(client).sendall(beginning)

        for number in range(4):
            text = {"text": f"Good call {sort} {number} from a client of {addresses}"}
            assert narrow_server.post("/api/v1/memories", text).status_code == 200
            assert narrow_server.get("/api/v1/users/me").status_code == 200
            assert narrow_server.get("/health/live").status_code == 200


@pytest.mark.parametrize("path", ["/api/v1/memories", "/api/v1/backup/import", "/mcp"])
@pytest.mark.parametrize("framing", ["Content-Length: 1000", CHUNKED, "Content-Length: 999999"])
@pytest.mark.parametrize(("key", "code"), [(None, "key_missing"), ("wrong", "key_invalid")])
def test_without_a_valid_key_no_body_is_waited_for(narrow_server, path, framing, key, code):
    answer = ask(narrow_server, head(narrow_server, "POST", path, JSON, framing, key=key))

    assert answer.status == 401
    assert code in answer.body
    assert "www-authenticate: bearer" in answer.headers
    assert "connection: close" in answer.headers


def test_a_body_that_is_announced_too_large_is_not_waited_for(narrow_server):
    request = head(narrow_server, "POST", "/api/v1/memories", JSON, "Content-Length: 99999999")

    assert ask(narrow_server, request).status == 413


def test_a_body_that_takes_too_long_is_refused(narrow_server):
    request = head(narrow_server, "POST", "/api/v1/memories", JSON, LENGTH) + b"{"

    answer = ask(narrow_server, request)

    assert (answer.status, "body_too_slow" in answer.body) == (408, True)


def test_a_client_is_asked_for_its_body_only_when_its_key_is_valid(narrow_server):
    expect = ("Expect: 100-continue", JSON, "Content-Length: 20")
    with connect(narrow_server) as client:
        client.sendall(head(narrow_server, "POST", "/api/v1/memories", *expect))
        assert client.recv(100).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
        client.sendall(b'{"text": "expected"}')
        assert read_answer(client).status == 200

    refused = ask(narrow_server, head(narrow_server, "POST", "/api/v1/memories", *expect, key=None))
    assert refused.status == 401


def test_clients_that_do_not_read_stop_nobody(narrow_server):
    for number in range(40):
        text = f"{number} " + "long " * 6000
        narrow_server.post("/api/v1/memories", {"text": text, "infer": False})
    with ExitStack() as stack:
        for _ in range(20):
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", narrow_server.port))
            stack.enter_context(client)
            client.sendall(head(narrow_server, "GET", "/api/v1/memories?page_size=40"))

        for _ in range(10):
            assert narrow_server.get("/api/v1/users/me").status_code == 200
            assert narrow_server.get("/health/live").status_code == 200


def test_a_large_response_is_complete_however_slowly_it_is_read(narrow_server):
    for number in range(40):
        text = f"{number} " + "long " * 6000
        narrow_server.post("/api/v1/memories", {"text": text, "infer": False})
    request = head(narrow_server, "GET", "/api/v1/memories?page_size=40", "Connection: close")
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", narrow_server.port))
        client.sendall(request)
        answer = read_answer(client)

    assert (answer.status, answer.is_closed) == (200, False)
    assert answer.body.endswith("}")


def test_what_is_being_received_is_gone_from_the_disk_afterwards(narrow_server):
    scratch = narrow_server.state_dir / "scratch"
    begun = head(narrow_server, "POST", "/api/v1/backup/import", FORM, "Content-Length: 9000000")
    with connect(narrow_server) as client:
        client.sendall(begun + b"--x\r\n" + b"a" * 500_000)
        assert narrow_server.get("/health/live").status_code == 200

    assert eventually(lambda: not scratch.exists() or not any(scratch.iterdir()))
