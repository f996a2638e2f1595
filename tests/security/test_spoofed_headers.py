"""Headers that other servers believe: here they change nothing, with and without a proxy."""

import json

import pytest
from django.test import Client

pytestmark = pytest.mark.attacks

# What some server or framework takes for an address, a name, a method or a user.
SPOOFED = {
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "1",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-Server": "evil.example",
    "X-Forwarded-Scheme": "javascript",
    "X-Forwarded-Ssl": "on",
    "X-Forwarded-User": "olga",
    "Front-End-Https": "on",
    "Forwarded": "for=127.0.0.1;host=evil.example;proto=https",
    "X-Real-IP": "127.0.0.1",
    "X-Client-IP": "127.0.0.1",
    "True-Client-IP": "127.0.0.1",
    "CF-Connecting-IP": "127.0.0.1",
    "X-Host": "evil.example",
    "X-Original-URL": "/admin/",
    "X-Rewrite-URL": "/admin/",
    "X-HTTP-Method-Override": "DELETE",
    "X-Method-Override": "DELETE",
    "Remote-User": "olga",
    "X-Remote-User": "olga",
    "X-User-Id": "olga",
    "X-Script-Name": "/evil",
    "Script-Name": "/evil",
}
# These count behind a trusted proxy, and only there.
PROXYS = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}

REQUESTS = [
    ("GET", "/api/v1/users/me"),
    ("GET", "/api/v1/memories"),
    ("POST", "/api/v1/memories/actions/archive"),
    ("POST", "/mcp"),
    ("GET", "/admin/login/"),
    ("GET", "/admin/"),
    ("GET", "/docs"),
    ("GET", "/health/live"),
]
# They name the request, or a form's token.
CHANGING = {"X-Request-ID", "Expires", "Set-Cookie", "Content-Length", "Content-Security-Policy"}


@pytest.mark.parametrize("header", [*SPOOFED, *PROXYS])
@pytest.mark.parametrize("has_key", [True, False])
def test_without_a_proxy_no_header_changes_an_answer(header, has_key, alice, settings):
    settings.SECURE_PROXY_SSL_HEADER = None
    value = {**SPOOFED, **PROXYS}[header]
    secret = alice.secret if has_key else None

    for method, path in REQUESTS:
        assert answer(secret, method, path, {header: value}) == answer(secret, method, path, {})


@pytest.mark.parametrize("header", SPOOFED)
def test_behind_a_proxy_only_its_own_headers_count(header, alice, settings):
    settings.TRUSTED_PROXIES = 1
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    proxys = {"X-Forwarded-For": "198.51.100.1", "X-Forwarded-Proto": "https"}

    for method, path in REQUESTS:
        spoofed = answer(alice.secret, method, path, {**proxys, header: SPOOFED[header]})
        assert spoofed == answer(alice.secret, method, path, proxys)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "localhost.evil.example", "evil.example:8000", "localhost@evil.example",
        "evil.example#localhost", "evil.example/localhost", "localhost,evil.example",
        "localhost evil.example", "127.0.0.1.evil.example", "[::1].evil.example",
        "localhost:8000:80", "localhost:port", "*", ".localhost", "0x7f000001",
        "169.254.169.254", "localhost\u00e9",
    ],
)  # fmt: skip
def test_a_host_that_is_not_the_servers_is_refused(host, alice, settings):
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]

    for method, path in REQUESTS:
        status, _, text = answer(alice.secret, method, path, {"Host": host})
        assert status == 400, (path, text)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "localhost:8000", "[::1]:80"])
def test_the_hosts_of_the_server_are_taken_as_they_are_written(host, alice, settings):
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]

    assert answer(alice.secret, "GET", "/api/v1/users/me", {"Host": host})[0] == 200


def answer(secret, method, path, headers):
    """The status, the headers and the body, but for what differs from one request to the next."""
    client = Client(raise_request_exception=False)
    key = {"Authorization": f"Bearer {secret}"} if secret else {}
    body = json.dumps({"memory_ids": []}) if method == "POST" else ""
    response = client.generic(
        method, path, body, content_type="application/json", headers={**key, **headers}
    )
    told = {
        name: value
        for name, value in response.items()
        if name not in CHANGING and "RateLimit" not in name
    }
    text = b"".join(response).decode() if response.streaming else response.content.decode()
    if text.startswith("{"):
        document = json.loads(text)
        document.pop("request_id", None)
        return response.status_code, told, json.dumps(document)
    return response.status_code, told, "" if path.startswith("/admin") else text
