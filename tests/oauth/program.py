"""A program that asks persons for access, as it is served in this process."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from django.http import HttpResponse
from django.test import Client

ISSUER = "http://localhost"
RESOURCE = f"{ISSUER}/mcp"
REDIRECT = "https://claude.ai/api/mcp/auth_callback"
REGISTRATION = {
    "client_name": "Claude",
    "redirect_uris": [REDIRECT],
    "token_endpoint_auth_method": "none",
}


def new_client(**headers: str) -> Client:
    return Client(raise_request_exception=False, SERVER_NAME="localhost", headers=headers)


def challenge_of(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def query_of(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


@dataclass
class Program:
    client_id: str
    redirect_uri: str = REDIRECT
    secret: str | None = None
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    http: Client = field(default_factory=new_client)

    @classmethod
    def register(cls, **fields: Any) -> Program:
        body = {**REGISTRATION, **fields}
        answer = new_client().post("/oauth/register", body, content_type="application/json")
        assert answer.status_code == 201, answer.content
        registered = answer.json()
        uri = body["redirect_uris"][0]
        return cls(registered["client_id"], uri, registered.get("client_secret"))

    def address(self, **changes: str | None) -> str:
        """Where it sends the browser. None leaves a parameter out."""
        asked: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
            "state": "the state",
            "scope": "read write",
            "resource": RESOURCE,
            **changes,
        }
        sent = {name: value for name, value in asked.items() if value is not None}
        return f"/oauth/authorize?{urlencode(sent)}"

    def ask(self, browser: Client, *, app: str = "claude", access: str = "read write",
            decision: str = "allow", **changes: str | None) -> HttpResponse:  # fmt: skip
        form = {"app": app, "access": access, "decision": decision}
        return browser.post(self.address(**changes), form)

    def get_code(self, browser: Client, **options: Any) -> str:
        answer = self.ask(browser, **options)
        assert answer.status_code == 302, answer.content.decode()
        assert answer["Location"].startswith(self.redirect_uri), answer["Location"]
        return query_of(answer["Location"])["code"]

    def exchange(self, code: str, **changes: str | None) -> HttpResponse:
        sent = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
            "resource": RESOURCE,
            **changes,
        }
        return self.send("/oauth/token", sent)

    def refresh(self, token: str, **changes: str | None) -> HttpResponse:
        sent = {"grant_type": "refresh_token", "refresh_token": token, **changes}
        return self.send("/oauth/token", sent)

    def revoke(self, token: str, **changes: str | None) -> HttpResponse:
        return self.send("/oauth/revoke", {"token": token, **changes})

    def send(self, path: str, values: dict[str, str | None]) -> HttpResponse:
        sent = {"client_id": self.client_id, "client_secret": self.secret, **values}
        body = urlencode({name: value for name, value in sent.items() if value is not None})
        return self.http.post(path, body, content_type="application/x-www-form-urlencoded")

    def connect(self, browser: Client, **options: Any) -> dict[str, Any]:
        """Go the whole way. Returns the tokens."""
        answer = self.exchange(self.get_code(browser, **options))
        assert answer.status_code == 200, answer.content
        return answer.json()


def csrf_of(page: HttpResponse) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.content.decode())
    assert found
    return found[1]
