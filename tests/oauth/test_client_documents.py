"""Clients whose id is the address of a document: what is fetched, and what is not."""

from __future__ import annotations

import socket
from datetime import timedelta

import pytest
from django.utils import timezone

from oauth import client_documents, json_document
from oauth.client_documents import MAX_BYTES, find_fault, load_client
from oauth.json_document import DocumentUnusable
from oauth.known_documents import DOCUMENTS
from oauth.models import OAuthClient
from tests.oauth.program import Program


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


def age(hours):
    OAuthClient.objects.update(fetched_at=timezone.now() - timedelta(hours=hours))


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_what_a_document_said_holds_for_a_day_while_its_host_cannot_answer(status, web, browser):
    program = Program(web.document(), "http://127.0.0.1/callback")
    program.connect(browser)
    web.put("/client.json", b"", status=status)

    age(hours=23)
    tokens = program.connect(browser)
    age(hours=25)
    page = browser.get(program.address())

    assert program.refresh(tokens["refresh_token"]).status_code == 200
    assert page.status_code == 422
    assert str(status) in page.content.decode()


def test_what_a_document_said_holds_while_its_host_is_down(web, db):
    client = load_client(web.document())
    web.shutdown()
    web.server_close()

    age(hours=1)
    assert load_client(client.client_id) == client
    age(hours=25)
    assert "no answer" in refusal(client.client_id)


@pytest.mark.attacks
@pytest.mark.parametrize("status", [302, 401, 403, 404, 410])
def test_a_document_that_was_taken_away_is_not_used(status, web, db):
    address = web.document()
    load_client(address)
    age(hours=1)
    web.put("/client.json", b"", status=status)

    assert str(status) in refusal(address)


@pytest.mark.attacks
def test_what_a_document_said_does_not_hold_where_another_one_answers(web, db, monkeypatch):
    address = web.document()
    load_client(address)
    age(hours=1)

    web.put("/client.json", b"<html>")
    assert "JSON" in refusal(address)
    monkeypatch.setenv("SSL_CERT_FILE", "/dev/null")
    assert "certificate" in refusal(address)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"client_id": "https://claude.ai/client.json"}, "another one"),
        ({"client_id": None}, "another one"),
        ({"redirect_uris": None}, "redirect_uris"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "scheme"),
        ({"client_name": "\u202e"}, "client_name"),
        ({"token_endpoint_auth_method": "client_secret_basic"}, "something else"),
        ({"token_endpoint_auth_method": "tls_client_auth"}, "something else"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "no public key"),
        ({"token_endpoint_auth_method": ["none"]}, "something else"),
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
    monkeypatch.setattr(json_document, "SECONDS", 0.5)

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


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "https://claude.ai/client.json"},
        {"redirect_uris": None},
        {"redirect_uris": ["javascript:alert(1)"]},
        {"redirect_uris": ["http://example.org/"]},
        {"client_name": "\u202e"},
        {"grant_types": ["implicit"]},
        {"response_types": ["token"]},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"padding": "x" * MAX_BYTES},
    ],
)
def test_what_is_wrong_with_a_document_is_said_in_german_too(changes, web, browser):
    said = [
        browser.get(
            Program(web.document(**changes)).address(), headers={"Accept-Language": language}
        )
        for language in ("en", "de")
    ]

    english, german = (page.context["detail"] for page in said)
    assert said[0].status_code == said[1].status_code == 422
    assert "Programm" in german
    # Not in half: the fault within is another sentence.
    assert not set(english.split()) & {"the", "is", "has", "cannot"} & set(german.split())


def test_a_document_is_only_fetched_for_who_has_signed_in(web, client):
    client.get(Program(web.document()).address())

    assert web.requests == []


def test_the_token_endpoint_fetches_nothing(web, db):
    program = Program(web.document())

    assert program.exchange("x").json()["error"] == "invalid_client"
    assert web.requests == []


@pytest.mark.parametrize("address", list(DOCUMENTS))
def test_claude_connects_also_where_its_document_cannot_be_fetched(address, browser, monkeypatch):
    def refuse(*_, **__):
        raise DocumentUnusable("The document about this program was answered with 403.")

    monkeypatch.setattr(client_documents, "fetch_object", refuse)
    uri = DOCUMENTS[address]["redirect_uris"][0].replace("localhost/", "localhost:54545/")
    program = Program(address, uri)

    page = browser.get(program.address()).content.decode()

    assert "<strong>claude.ai</strong>" in page
    assert program.connect(browser)["scope"] == "read write"
    elsewhere = program.address(redirect_uri="https://evil.example/")
    assert browser.get(elsewhere).status_code == 400


def test_documents_can_be_turned_off(web, browser, settings):
    settings.OAUTH_DOCUMENTS = False

    page = browser.get(Program(web.document()).address())
    metadata = browser.get("/.well-known/oauth-authorization-server").json()

    assert page.status_code == 422
    assert metadata["client_id_metadata_document_supported"] is False
    assert web.requests == []
