"""The check of a connector's way: each thing that stands in the way is named, with what to do."""

from __future__ import annotations

import socket
import ssl
import threading
from dataclasses import replace
from datetime import timedelta
from io import StringIO

import httpx2
import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from django.utils.http import http_date

from accounts.models import ApiKey
from apps_registry.models import App
from core.exposure import PublicAddress
from memories.models import Access
from oauth.connector_check import Way
from oauth.connector_probe import Probe, StepFailed, check_network
from oauth.connector_products import CONNECTORS
from oauth.models import OAuthClient
from tests.oauth.certificate import make_certificate
from tests.oauth.program import ISSUER, RESOURCE
from tests.oauth.tls_relay import TlsRelay

CLAUDE, CHATGPT = CONNECTORS


class Front(httpx2.BaseTransport):
    """What is in front of the server: it passes everything on, but for what a test changes."""

    def __init__(self, change_request=None, change_response=None):
        self.change_request, self.change_response = change_request, change_response

    def handle_request(self, request):
        request.read()
        changed = self.change_request(request) if self.change_request else None
        if changed is not None:
            return changed
        response = self.ask_server(request)
        changed = self.change_response(request, response) if self.change_response else None
        return changed or response

    def ask_server(self, request):
        browser = Client(raise_request_exception=False, SERVER_NAME="localhost")
        headers = dict(request.headers)
        target = request.url.raw_path.decode()
        kind = headers.pop("content-type", "")
        told = browser.generic(
            request.method, target, request.content, content_type=kind, headers=headers
        )
        cookies = [("set-cookie", each.OutputString()) for each in told.cookies.values()]
        return httpx2.Response(
            told.status_code, headers=[*told.items(), *cookies], content=told.content
        )


@pytest.fixture
def go(alice, settings):
    """Go the way through this front. Returns what was found, and the notes."""
    alice.remember("Rex is afraid of thunder")
    settings.OAUTH_DOCUMENTS = False

    def run(connector=CLAUDE, user=alice.user, url=RESOURCE, **changes):
        notes = []
        probe = Probe(url.removesuffix("/mcp"), lambda *note: notes.append(note))
        probe.http = httpx2.Client(transport=Front(**changes))
        way = Way(url, connector, probe, user)
        try:
            return [step() for step in way.steps()], notes
        finally:
            way.clean_up()

    return run


@pytest.mark.parametrize("connector", CONNECTORS, ids=lambda each: each.title)
def test_a_way_that_is_free_leads_to_the_tools(connector, go):
    found, notes = go(connector)

    assert len(found) == 11
    assert "The tool list_apps answers." in found
    assert found[-1] == "Revoked, the token is refused."
    assert notes == []


def test_the_server_reads_what_a_product_publishes(go, web, settings):
    published = replace(CHATGPT, document=web.document(redirect_uris=[CHATGPT.redirect_uri]))
    lost = replace(CHATGPT, document=f"https://{web.host}/nothing.json")
    settings.OAUTH_DOCUMENTS = True

    found, notes = go(published)
    lost_found, lost_notes = go(lost)

    assert "The server has read the document of ChatGPT." in found
    assert notes == []
    assert lost_found[-1] == "Revoked, the token is refused."
    [(finding, advice)] = lost_notes
    assert lost.document in finding
    assert "OPENMEMORY_OAUTH_DOCUMENTS=0" in advice
    assert not OAuthClient.objects.exists()


def test_nothing_of_the_check_remains(go, alice):
    go()

    assert not OAuthClient.objects.exists()
    assert ApiKey.objects.get() == alice.key
    assert [app.name for app in App.objects.all()] == ["openmemory"]
    assert not Access.objects.exists()


def test_without_a_user_it_ends_at_the_page_to_sign_in(go):
    found, _ = go(user=None)

    assert found[-1] == "The page to sign in opens."


def only(path, response):
    return lambda request: response if request.url.path == path else None


def answer(status, **options):
    return httpx2.Response(status, **options)


def without(name):
    def change(request, response):
        kept = [(key, value) for key, value in response.headers.items() if key != name]
        return httpx2.Response(response.status_code, headers=kept, content=response.content)

    return change


def remove_key(request):
    request.headers.pop("Authorization", None)


def refuse_calls(request):
    return answer(403) if b"tools/call" in request.content else None


def move_away(request, response):
    if response.headers.get("Location", "").startswith("https://claude.ai"):
        response.headers["Location"] = "https://proxy.example/lost"


def lead_to_http(request, response):
    if response.headers.get("Location", "").startswith("/sign-in?"):
        response.headers["Location"] = f"http://other{response.headers['Location']}"


def remember_tools(cache):
    def change(request, response):
        if b"tools/list" in request.content and response.status_code == 200:
            cache.append(response.content)

    return change


@pytest.mark.parametrize(
    ("changes", "problem", "advice"),
    [
        ({"change_request": only("/mcp", answer(404))}, "404", "does not pass this path on"),
        ({"change_request": only("/mcp", answer(403))}, "403", "firewall"),
        ({"change_request": only("/mcp", answer(405))}, "405", "Another server"),
        ({"change_request": only("/mcp", answer(429))}, "429", "Wait"),
        ({"change_request": only("/mcp", answer(502))}, "502", "Is it running"),
        ({"change_request": only("/mcp", answer(504))}, "504", "doctor"),
        (
            {"change_request": only("/mcp", answer(301, headers={"Location": "https://www/"}))},
            "sent on to https://www/",
            "do not follow",
        ),
        ({"change_request": only("/mcp", answer(200, json={}))}, "without a key", "LEGACY"),
        (
            {"change_request": only("/mcp", answer(401, headers={"WWW-Authenticate": "Basic"}))},
            "asks for a password",
            "let /mcp",
        ),
        ({"change_response": without("www-authenticate")}, "password", "let /mcp"),
        (
            {"change_request": only("/mcp", answer(401, headers={"WWW-Authenticate": "Bearer"}))},
            "plain HTTP",
            "OPENMEMORY_PUBLIC_URL=http://localhost",
        ),
        (
            {"change_request": only("/mcp", answer(400, json={"code": "host_not_allowed"}))},
            "host_not_allowed",
            "OPENMEMORY_PUBLIC_URL",
        ),
        (
            {"change_request": only("/.well-known/oauth-protected-resource/mcp", answer(404))},
            "404",
            "pass",
        ),
        (
            {
                "change_request": only(
                    "/.well-known/oauth-authorization-server", answer(200, text="<html>")
                )
            },
            "not JSON",
            "for certificates",
        ),
        (
            {"change_request": only("/oauth/register", answer(429))},
            "429",
            "Wait a minute",
        ),
        ({"change_request": only("/oauth/authorize", answer(404))}, "404", "pass this path on"),
        ({"change_response": lead_to_http}, "http://other", "PUBLIC_URL"),
        ({"change_request": only("/sign-in/link", answer(410))}, "another database", "where that"),
        ({"change_response": without("set-cookie")}, "own pages", "cookies on"),
        ({"change_response": move_away}, "proxy.example", "changes redirects"),
        ({"change_request": only("/oauth/token", answer(400, json={"error": "x"}))}, "(x)", ""),
        ({"change_request": refuse_calls}, "403", "firewall"),
        ({"change_request": remove_key}, "good token is refused", "Authorization header"),
    ],
)
def test_what_stands_in_the_way_is_named(changes, problem, advice, go):
    with pytest.raises(StepFailed) as caught:
        go(**changes)

    assert problem in caught.value.problem
    assert advice in caught.value.advice


def test_a_cache_in_front_is_found(go):
    cache = []

    def answer_from_cache(request):
        is_known = cache and b"tools/list" in request.content
        return httpx2.Response(200, content=cache[0]) if is_known else None

    with pytest.raises(StepFailed, match="still accepted") as caught:
        go(change_request=answer_from_cache, change_response=remember_tools(cache))
    assert "cache" in caught.value.advice


def test_another_public_address_is_found(go, settings):
    settings.PUBLIC_ADDRESS = PublicAddress.parse("https://other.example", proxies=1)
    settings.TRUSTED_PROXIES = 1

    with pytest.raises(StepFailed, match=r"https://other\.example") as caught:
        go(change_request=lambda request: request.headers.update({"X-Forwarded-For": "192.0.2.1"}))
    assert f"OPENMEMORY_PUBLIC_URL={ISSUER}" in caught.value.advice


def test_clocks_that_differ_are_noted(go):
    late = http_date((timezone.now() + timedelta(minutes=10)).timestamp())

    def set_clock(request, response):
        response.headers["Date"] = late

    _, notes = go(change_response=set_clock)

    assert "seconds" in notes[0][0]
    assert "NTP" in notes[0][1]


def test_a_server_that_is_away_is_named(db):
    output = StringIO()

    with pytest.raises(CommandError):
        call_command("check_connector", "http://127.0.0.1:1/mcp", stdout=output)

    assert "got no answer" in output.getvalue()
    assert "Is the server running?" in output.getvalue()


def test_a_name_that_is_not_known_is_named():
    with pytest.raises(StepFailed, match="is not known"):
        check_network("https://unknown.invalid/mcp", lambda *note: None)


def test_a_certificate_that_nobody_vouches_for_is_named(tmp_path, monkeypatch):
    certificate = make_certificate(tmp_path)
    relay = TlsRelay(certificate)
    relay.start(1)
    notes = []
    try:
        with pytest.raises(StepFailed, match="not valid") as caught:
            check_network(f"{relay.url}/mcp", lambda *note: notes.append(note))
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.file))
        found = check_network(f"{relay.url}/mcp", lambda *note: notes.append(note))
        with pytest.raises(StepFailed, match=r"cannot be reached"):
            check_network("https://127.0.0.1:1/mcp", lambda *note: None)
    finally:
        relay.stop()

    assert "Let's Encrypt" in caught.value.advice
    assert "certificate is valid" in found
    assert "public address" in notes[0][1]
    assert ssl.create_default_context()


@pytest.mark.parametrize(
    ("changes", "problem", "advice"),
    [
        ({"age": timedelta(days=2)}, "has expired", "Renew the certificate"),
        ({"age": timedelta(days=-1)}, "not yet valid", "Set the clocks"),
        ({"host": "other.example"}, "mismatch", "for this host name"),
    ],
)
def test_what_is_wrong_with_a_certificate_is_named(changes, problem, advice, tmp_path, monkeypatch):
    certificate = make_certificate(tmp_path, **changes)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.file))
    relay = TlsRelay(certificate)
    relay.start(1)
    try:
        with pytest.raises(StepFailed, match=problem) as caught:
            check_network(f"{relay.url}/mcp", lambda *note: None)
    finally:
        relay.stop()

    assert advice in caught.value.advice


def test_a_port_without_tls_is_named():
    listener = socket.create_server(("127.0.0.1", 0))

    def answer_in_plain():
        with listener.accept()[0] as client:
            client.recv(1000)
            client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    threading.Thread(target=answer_in_plain, daemon=True).start()
    with listener, pytest.raises(StepFailed, match="does not speak TLS") as caught:
        check_network(f"https://localhost:{listener.getsockname()[1]}/mcp", lambda *note: None)
    assert "plain HTTP" in caught.value.advice


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("memory.example.org", "is not an address such as"),
        ("ftp://memory.example.org/mcp", "is not an address such as"),
        ("http://memory.example.org/mcp", "need HTTPS"),
        ("https://memory.example.org/api", "ends in /mcp"),
        ("https://[::1/mcp", "is not an address"),
    ],
)
def test_an_address_that_cannot_work_is_refused(url, said, db):
    with pytest.raises(CommandError, match=said):
        call_command("check_connector", url)


def test_a_user_who_is_not_known_is_named(db):
    with pytest.raises(CommandError, match="nobody"):
        call_command("check_connector", "http://localhost:1/mcp", "--user", "nobody")
