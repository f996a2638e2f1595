"""A header cannot be confused with one that only a trusted proxy may set."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.deadline import SECONDS

from .processes import Server

SIGN_INS = 3


@pytest.fixture(scope="module")
def proxied_server() -> Iterator[Server]:
    """A server that a proxy is trusted in front of, which the test plays."""
    server = Server(
        Path(tempfile.mkdtemp(prefix="om-")),
        OPENMEMORY_TRUSTED_PROXIES="1",
        OPENMEMORY_PUBLIC_URL="https://memory.example.org",
        OPENMEMORY_RATE_SIGN_INS=f"{SIGN_INS}/d",
        OPENMEMORY_RATE_FAILED_KEYS=f"{SIGN_INS}/d",
    )
    try:
        server.start()
        yield server
    finally:
        server.kill_everything()
        shutil.rmtree(server.state_dir)


@pytest.mark.parametrize("name", ["X_Forwarded_For", "X-Forwarded_For", "x_forwarded-for"])
def test_a_name_with_underscores_does_not_stand_for_the_proxys(proxied_server, name):
    client = {"X_Forwarded_For": "198.51.100.1", "X-Forwarded_For": "198.51.100.2"}.get(
        name, "198.51.100.3"
    )
    statuses = [
        requests.get(
            f"{proxied_server.url}/api/v1/users/me",
            headers={"X-Forwarded-For": client, name: f"203.0.113.{number}"},
            timeout=SECONDS,
        ).status_code
        for number in range(SIGN_INS + 1)
    ]

    assert statuses == [401] * SIGN_INS + [429]


def test_the_scheme_is_the_one_that_the_proxy_names_last(proxied_server):
    spoofed = [
        {"X-Forwarded-Proto": "https", "X_Forwarded_Proto": "http"},
        {"X-Forwarded-Proto": "http, https"},
    ]
    for headers in spoofed:
        answer = requests.get(f"{proxied_server.url}/docs", headers=headers, timeout=SECONDS)
        assert "Strict-Transport-Security" in answer.headers

    plain = requests.get(
        f"{proxied_server.url}/docs", headers={"X-Forwarded-Proto": "https, http"}, timeout=SECONDS
    )
    assert "Strict-Transport-Security" not in plain.headers


def test_the_password_of_one_user_is_not_guessed_from_many_addresses(proxied_server):
    statuses = [
        sign_in(proxied_server, name, f"192.0.2.{number}")
        for number, name in enumerate(["Dora", "dora", " DORA ", "dora"])
    ]

    assert statuses == [200] * SIGN_INS + [429]
    assert sign_in(proxied_server, "erik", "192.0.2.200") == 200


def sign_in(server: Server, name: str, address: str) -> int:
    headers = {
        "X-Forwarded-For": address,
        "X-Forwarded-Proto": "https",
        "Host": "memory.example.org",
        "Referer": "https://memory.example.org/admin/login/",
    }
    url = f"{server.url}/admin/login/"
    token = requests.get(url, headers=headers, timeout=SECONDS).cookies["openmemory_csrf"]
    return requests.post(
        url,
        data={"username": name, "password": "wrong", "csrfmiddlewaretoken": token},
        headers={**headers, "Cookie": f"openmemory_csrf={token}"},
        timeout=SECONDS,
    ).status_code
