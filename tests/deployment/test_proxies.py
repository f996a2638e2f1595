"""The proxies of docs/operating.md, each in front of a real server."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deadline import SECONDS
from tests.server.processes import Server

from .proxies import NAME, PROXIES, Proxy, skip_without

FAILED_KEYS = 5


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server(
        Path(tempfile.mkdtemp(prefix="om-")),
        OPENMEMORY_PUBLIC_URL=f"https://{NAME}",
        OPENMEMORY_TRUSTED_PROXIES="1",
        OPENMEMORY_RATE_SIGN_INS="1000/m",
        OPENMEMORY_RATE_FAILED_KEYS=f"{FAILED_KEYS}/h",
    )
    try:
        server.start()
        yield server
    finally:
        server.kill_everything()
        shutil.rmtree(server.state_dir)


@pytest.fixture(scope="module", params=PROXIES)
def proxy(request: pytest.FixtureRequest, server: Server, tmp_path_factory) -> Iterator[Proxy]:
    skip_without(request.param)
    proxy = Proxy(request.param, server, tmp_path_factory.mktemp(request.param))
    process = proxy.start()
    yield proxy
    process.terminate()
    process.wait(SECONDS)


@pytest.fixture
def bearer(server: Server) -> dict[str, str]:
    return {"Authorization": f"Bearer {server.key}"}


def test_requests_and_large_bodies_pass(proxy, bearer):
    text = "wood " * 6000
    answer = proxy.call("POST", "/api/v1/memories", json={"text": text}, headers=bearer)
    assert (answer.status_code, answer.json()["text"].strip()) == (200, text.strip())

    too_large = proxy.call("POST", "/api/v1/memories", data=b" " * 2**21, headers=bearer)
    assert (too_large.status_code, too_large.json()["code"]) == (413, "body_too_large")


def test_a_chunked_body_passes(proxy, bearer):
    parts = iter([b'{"text": "in', b' parts"}'])
    headers = {**bearer, "Content-Type": "application/json"}
    answer = proxy.call("POST", "/api/v1/memories", data=parts, headers=headers)
    assert (answer.status_code, answer.json()["text"]) == (200, "in parts")


def test_archives_are_exported_and_imported(proxy, bearer):
    archive = proxy.call("POST", "/api/v1/backup/export", json={}, headers=bearer).content
    assert upload(proxy, archive, bearer).status_code == 200

    no_archive = upload(proxy, b"x" * 3 * 2**20, bearer)
    assert (no_archive.status_code, no_archive.headers["Content-Type"]) == (
        400,
        "application/problem+json",
    )


def upload(proxy, content, bearer):
    files = {"file": ("archive.zip", content)}
    return proxy.call("POST", "/api/v1/backup/import", files=files, headers=bearer)


def test_events_arrive_when_they_are_sent(proxy, bearer):
    with proxy.call("GET", "/mcp/cursor/sse/alice", headers=bearer, stream=True) as stream:
        lines = (line for line in stream.iter_lines(chunk_size=1, decode_unicode=True) if line)
        assert next(lines) == "event: endpoint"
        address = next(lines).removeprefix("data: ")
        ping = {"jsonrpc": "2.0", "id": 7, "method": "ping"}
        posted = proxy.call("POST", address, json=ping, headers=bearer)
        assert posted.status_code == 202
        assert next(lines) == "event: message"
        assert '"id":7' in next(lines)


def test_browsers_are_told_to_stay_with_https(proxy):
    assert "Strict-Transport-Security" in proxy.call("GET", "/docs").headers


def test_the_scheme_is_the_proxys_whatever_the_client_sends(proxy):
    for name in ("X-Forwarded-Proto", "X_Forwarded_Proto"):
        answer = proxy.call("GET", "/docs", headers={name: "http"})
        assert "Strict-Transport-Security" in answer.headers


def test_a_client_cannot_pretend_to_be_many(proxy):
    statuses = [
        proxy.call(
            "GET",
            "/api/v1/users/me",
            headers={
                "Authorization": f"Bearer wrong-{number}",
                "X-Forwarded-For": f"203.0.113.{number}",
                "X_Forwarded_For": f"203.0.113.{number}",
                "X-Real-IP": f"203.0.113.{number}",
                "Forwarded": f"for=203.0.113.{number}",
            },
        ).status_code
        for number in range(FAILED_KEYS + 1)
    ]
    assert statuses[-1] == 429


def test_slow_clients_of_a_proxy_stop_nobody(proxy, bearer):
    head = f"POST /admin/login/ HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 1000\r\n\r\nu"
    clients = [proxy.connect() for _ in range(150)]  # more than the threads of both processes
    try:
        for client in clients:
            client.sendall(head.encode())
        for _ in range(10):
            assert proxy.call("GET", "/api/v1/users/me", headers=bearer).status_code == 200
            assert proxy.call("GET", "/health/live").status_code == 200
    finally:
        for client in clients:
            client.close()
