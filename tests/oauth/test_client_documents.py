"""Clients whose id is the address of a document: what is fetched, and what is not."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from oauth import client_documents
from oauth.client_documents import (
    MAX_BYTES,
    DocumentUnusable,
    find_fault,
    load_client,
)
from oauth.models import OAuthClient
from tests.oauth.certificate import make_certificate
from tests.oauth.program import Program


class Web(ThreadingHTTPServer):
    """A web server with TLS. `answer` is what it sends, by path."""

    daemon_threads = True

    def __init__(self, context):
        super().__init__(("127.0.0.1", 0), Handler)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.requests, self.answers = [], {}
        self.host = f"localhost:{self.server_port}"

    def put(self, path, values, *, status=200, **headers):
        body = values if isinstance(values, bytes) else json.dumps(values).encode()
        self.answers[path] = status, headers, body
        return f"https://{self.host}{path}"

    def document(self, path="/client.json", **changes):
        address = f"https://{self.host}{path}"
        values = {
            "client_id": address,
            "client_name": "Claude Code",
            "redirect_uris": ["http://127.0.0.1/callback"],
            "token_endpoint_auth_method": "none",
            **changes,
        }
        return self.put(path, {name: each for name, each in values.items() if each is not None})

    def handle_error(self, request, client_address):
        pass


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests.append(self.path)
        status, headers, body = self.server.answers.get(self.path, (404, {}, b""))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if headers.get("X-Drip"):
            with suppress(OSError):
                for _ in range(100):
                    self.wfile.write(b" ")
                    time.sleep(0.2)
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def web(certificate, settings, monkeypatch):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.file, certificate.key_file)
    server = Web(context)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.file))
    settings.OAUTH_PRIVATE_HOSTS = [server.host]
    yield server
    server.shutdown()
    server.server_close()


def refusal(address):
    with pytest.raises(DocumentUnusable) as caught:
        load_client(address)
    return caught.value.detail


def test_a_client_is_what_its_document_says(web, browser):
    address = web.document()
    program = Program(address, "http://127.0.0.1:7777/callback")

    page = browser.get(program.address()).content.decode()
    tokens = program.connect(browser, app="code")

    assert "Claude Code" in page
    assert f"<strong>{web.host}</strong>" in page
    assert "a program on this computer" in page
    assert tokens["scope"] == "read write"
    assert program.refresh(tokens["refresh_token"]).status_code == 200
    assert web.requests == ["/client.json"]


def test_a_document_is_fetched_again_when_it_may_have_changed(web, db):
    client = load_client(web.document())
    web.document(client_name="Claude Code 2", redirect_uris=["https://x.example/"])
    assert load_client(client.client_id).name == "Claude Code"

    OAuthClient.objects.update(fetched_at="2026-01-01T00:00:00Z")

    renewed = load_client(client.client_id)
    assert (renewed.pk, renewed.name) == (client.pk, "Claude Code 2")
    assert renewed.redirect_uris == ["https://x.example/"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"client_id": "https://claude.ai/client.json"}, "another one"),
        ({"client_id": None}, "another one"),
        ({"redirect_uris": None}, "redirect_uris"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "javascript"),
        ({"client_name": "\u202e"}, "client_name"),
        ({"token_endpoint_auth_method": "client_secret_basic"}, "secret"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "not supported"),
    ],
)
def test_a_wrong_document_is_refused(changes, said, web, db):
    assert said in refusal(web.document(**changes))
    assert not OAuthClient.objects.exists()


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"\xff", b"[" * 10_000, b"null"])
def test_what_is_no_object_is_refused(body, web, db):
    assert "JSON" in refusal(web.put("/client.json", body))


@pytest.mark.attacks
def test_a_large_document_is_not_read_to_its_end(web, db):
    assert str(MAX_BYTES) in refusal(web.document(padding="x" * MAX_BYTES))


@pytest.mark.attacks
def test_a_slow_document_is_cut_off(web, db, monkeypatch):
    monkeypatch.setattr(client_documents, "SECONDS", 0.5)

    assert "took too long" in refusal(web.put("/client.json", b"", **{"X-Drip": "1"}))


@pytest.mark.attacks
def test_a_redirect_is_not_followed(web, db):
    web.document("/other.json")
    moved = web.put("/client.json", b"", status=302, Location=f"https://{web.host}/other.json")

    assert "302" in refusal(moved)
    assert web.requests == ["/client.json"]


@pytest.mark.attacks
def test_an_untrusted_certificate_is_refused(web, db, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", "/dev/null")

    assert "certificate" in refusal(web.document())


@pytest.mark.attacks
@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254",
        "0.0.0.0", "100.64.0.1", "127.1", "2130706433", "0x7f000001", "224.0.0.1",
    ],
)  # fmt: skip
def test_private_addresses_are_not_asked(host, web, db):
    assert "public web" in refusal(f"https://{host}/client.json")
    assert "public web" in refusal(f"https://{host}:1/client.json")
    assert web.requests == []


@pytest.mark.attacks
@pytest.mark.parametrize(
    "address",
    [
        "64:ff9b::7f00:1",
        "64:ff9b:1::a00:1",
        "::7f00:1",
        "::ffff:10.0.0.1",
        "2002:a00:1::",
        "fe80::1%1",
    ],
)
def test_addresses_that_stand_for_private_ones_are_not_asked(address, db, monkeypatch):
    resolved = [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, 443, 0, 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: resolved)

    assert "public web" in refusal("https://x.example/client.json")


@pytest.mark.attacks
def test_other_ports_are_not_asked(db):
    assert "public web" in refusal("https://8.8.8.8:22/client.json")


@pytest.mark.attacks
@pytest.mark.parametrize(
    "address",
    [
        "https://x.example", "https://x.example/", "https://user@x.example/a", "https://x.example:a/a",
        "https://x.example/a?b", "https://x.example/a#b", "https://x.example/../a",
        "https://x.example/a/./b", "https://x.example/%2e%2E/a", "https://[::1]/a",
        "https://x.example/a b", "https://x.example\\@y/a", "https:///a", "https://x.exämple/a",
        f"https://x.example/{'a' * 1000}",
    ],
)  # fmt: skip
def test_these_are_no_addresses_of_documents(address, browser):
    page = browser.get(Program(address, "https://x.example/").address())

    assert find_fault(address)
    assert page.status_code == 422
    assert "Location" not in page


def test_a_document_is_only_fetched_for_who_has_signed_in(web, client):
    client.get(Program(web.document()).address())

    assert web.requests == []


def test_the_token_endpoint_fetches_nothing(web, db):
    program = Program(web.document())

    assert program.exchange("x").json()["error"] == "invalid_client"
    assert web.requests == []
