"""The way of a connector, from a bare address to its tools, one step after the other."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2

from accounts.models import ApiKey, SignInLink, User

from .connector_document import check_document
from .connector_probe import (
    PROXY,
    PUBLIC_URL,
    VERSION,
    Probe,
    StepFailed,
    as_json,
    error_code,
)
from .connector_products import Connector
from .models import OAuthClient

# The app that the check connects as. It stores nothing.
APP = "check_connector"
TOOL = "list_apps"

COOKIES = "Have the proxy pass cookies on, both ways, and keep nothing of the pages."
Step = Callable[[], str]


@dataclass
class Way:
    """What was found on the way so far."""

    url: str
    connector: Connector
    probe: Probe
    user: User | None
    client: dict[str, Any] = field(default_factory=dict)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    state: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    metadata_url: str = ""
    server: dict[str, Any] = field(default_factory=dict)
    code: str = ""
    tokens: dict[str, Any] = field(default_factory=dict)

    def steps(self) -> Iterator[Step]:
        yield self.ask_without_key
        yield self.read_resource
        yield self.read_server
        yield self.register
        yield self.open_page
        if self.user is not None:
            yield self.consent
            if self.server.get("client_id_metadata_document_supported"):
                yield self.read_document
            yield self.exchange
            yield self.list_tools
            yield self.call_tool
            yield self.renew
            yield self.end

    def clean_up(self) -> None:
        """Leave nothing of the check behind, where this is the server's database."""
        client_id = self.client.get("client_id", "")
        ApiKey.objects.filter(connection__client__client_id=client_id).delete()
        OAuthClient.objects.filter(client_id=client_id).delete()
        OAuthClient.objects.unused().filter(client_id=self.connector.document).delete()
        if self.user is not None:
            self.user.apps.filter(name=APP, memories=None).delete()
        self.probe.http.close()

    # --- The steps -------------------------------------------------------------------------

    def ask_without_key(self) -> str:
        client = {"name": APP, "version": "1"}
        response = self.probe.post_message(
            self.url, "initialize", protocolVersion=VERSION, capabilities={}, clientInfo=client
        )
        self.probe.compare_clocks(response)
        if response.status_code == 200:
            raise StepFailed(
                f"{self.url} answers without a key.",
                "Unset OPENMEMORY_LEGACY_CLIENTS, and have the proxy add no Authorization header.",
            )
        if response.status_code != 401:
            raise self.probe.unexpected(response, instead_of="401")
        challenge = response.headers.get("WWW-Authenticate", "")
        if not challenge.startswith("Bearer"):
            raise StepFailed(
                f"The proxy itself asks for a password ({challenge or 'no WWW-Authenticate'}).",
                "Have it let /mcp, /oauth/ and /.well-known/ pass: the server asks for a key.",
            )
        found = re.search(r'resource_metadata="([^"]+)"', challenge)
        if not found:
            raise StepFailed(
                "The server offers no tokens: it takes the connection for plain HTTP.",
                f"{PUBLIC_URL.format(origin=self.probe.origin)} {PROXY}",
            )
        self.metadata_url = found[1]
        self._require_own(self.metadata_url, "The server calls itself")
        return "Without a key, /mcp says where to get a token."

    def read_resource(self) -> str:
        document = self.probe.get_document(self.metadata_url)
        if document.get("resource") != self.url:
            raise StepFailed(
                f"The server calls itself {document.get('resource')}, not {self.url}.",
                PUBLIC_URL.format(origin=self.probe.origin),
            )
        servers = document.get("authorization_servers") or [""]
        self._require_own(servers[0], "Tokens are given out by")
        return "The metadata of the resource is that of this address."

    def read_server(self) -> str:
        url = f"{self.probe.origin}/.well-known/oauth-authorization-server"
        self.server = self.probe.get_document(url)
        for name in ("issuer", "authorization_endpoint", "token_endpoint", "registration_endpoint"):
            self._require_own(str(self.server.get(name)), f"The {name} is")
        return "The metadata of the authorization server is there."

    def register(self) -> str:
        body = {
            "client_name": f"check_connector ({self.connector.title})",
            "redirect_uris": [self.connector.redirect_uri],
            "token_endpoint_auth_method": self.connector.auth_method,
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
        }
        response = self.probe.send("POST", self.server["registration_endpoint"], json=body)
        if response.status_code != 201:
            raise self.probe.unexpected(response, instead_of="201")
        self.client = as_json(response) or {}
        return f"{self.connector.title} can register, with its redirect URI."

    def open_page(self) -> str:
        response = self.probe.send("GET", self._authorize_url())
        target = response.headers.get("Location", "")
        if not response.is_redirect or not urlsplit(target).path.startswith("/sign-in"):
            raise self.probe.unexpected(response, instead_of="the way to the page to sign in")
        if target.startswith("http"):
            self._require_own(target, "The proxy sends the browser to")
        page = self.probe.send("GET", target)
        if page.status_code != 200:
            raise self.probe.unexpected(page, instead_of="the page to sign in")
        return "The page to sign in opens."

    def consent(self) -> str:
        assert self.user is not None  # noqa: S101 - else this is no step
        secret = SignInLink.objects.issue(self.user)
        page = self.probe.send("GET", f"/sign-in/link?token={secret}")
        if page.status_code == 410:
            raise StepFailed(
                "The address leads to a server with another database than this command's.",
                "Run the command where that server runs, with its settings.",
            )
        self._submit("/sign-in/link", page, token=secret)
        page = self.probe.send("GET", self._authorize_url())
        if page.is_redirect and "/sign-in" in page.headers.get("Location", ""):
            raise StepFailed(
                "The server does not know who has just signed in to its own pages.", COOKIES
            )
        if page.status_code != 200:
            raise self.probe.unexpected(page, instead_of="the page of consent")
        answer = self._submit(self._authorize_url(), page, app=APP, access="read", decision="allow")
        location = answer.headers.get("Location", "")
        sent = {name: each[0] for name, each in parse_qs(urlsplit(location).query).items()}
        expected = (self.state, self.server["issuer"])
        if (
            not location.startswith(self.connector.redirect_uri)
            or (sent.get("state"), sent.get("iss")) != expected
            or "code" not in sent
        ):
            raise StepFailed(
                f"After consent the browser is sent to {location.partition('?')[0]}, without what "
                "belongs there.",
                f"Something in front changes redirects. {PROXY}",
            )
        self.code = sent["code"]
        return "Signed in and allowed: the browser is sent back with a code."

    def read_document(self) -> str:
        address = self._authorize_url(client_id=self.connector.document)
        return check_document(self.probe, address, self.connector)

    def exchange(self) -> str:
        self.tokens = self._get_tokens(
            grant_type="authorization_code",
            code=self.code,
            code_verifier=self.verifier,
            redirect_uri=self.connector.redirect_uri,
            resource=self.url,
        )
        return "The code is exchanged for tokens."

    def list_tools(self) -> str:
        response = self._ask_server("tools/list")
        if response.status_code == 401:
            raise StepFailed(
                f"A good token is refused ({error_code(response) or 'unknown error'}).",
                "The proxy does not pass the Authorization header on, or puts its own in its "
                f"place. {PROXY}",
            )
        result = (as_json(response) or {}).get("result") or {}
        names = {tool["name"] for tool in result.get("tools", [])}
        if not self.connector.tools <= names:
            raise self.probe.unexpected(response, instead_of="the tools")
        return (
            f"The token opens {len(names)} tools, with {', '.join(sorted(self.connector.tools))}."
        )

    def call_tool(self) -> str:
        # One that shows no memory, so that none counts as read.
        response = self._ask_server("tools/call", name=TOOL, arguments={})
        result = (as_json(response) or {}).get("result") or {}
        if response.status_code != 200 or result.get("isError", True):
            raise self.probe.unexpected(response, instead_of="the result of a tool")
        return f"The tool {TOOL} answers."

    def renew(self) -> str:
        former = self.tokens
        self.tokens = self._get_tokens(
            grant_type="refresh_token", refresh_token=former["refresh_token"], resource=self.url
        )
        return "The token is renewed."

    def end(self) -> str:
        values = {"token": self.tokens["access_token"], **self._credentials()}
        self.probe.send("POST", self.server["revocation_endpoint"], data=values)
        response = self._ask_server("tools/list")
        if response.status_code != 401:
            raise StepFailed(
                "A token that was revoked is still accepted.",
                f"Something in front answers from a cache: have it keep nothing. {PROXY}",
            )
        return "Revoked, the token is refused."

    # --- What they share -------------------------------------------------------------------

    def _ask_server(self, method: str, **params: Any) -> httpx2.Response:
        token = self.tokens["access_token"]
        return self.probe.post_message(self.url, method, token=token, **params)

    def _get_tokens(self, **values: str) -> dict[str, Any]:
        sent = {**values, **self._credentials()}
        response = self.probe.send("POST", self.server["token_endpoint"], data=sent)
        tokens = as_json(response)
        if response.status_code != 200 or not isinstance(tokens, dict):
            raise self.probe.unexpected(response, instead_of="tokens")
        return tokens

    def _credentials(self) -> dict[str, str]:
        names = ("client_id", "client_secret")
        return {name: self.client[name] for name in names if name in self.client}

    def _authorize_url(self, **changes: str) -> str:
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest())
        asked = {
            "response_type": "code",
            "client_id": self.client["client_id"],
            "redirect_uri": self.connector.redirect_uri,
            "code_challenge": challenge.decode().rstrip("="),
            "code_challenge_method": "S256",
            "state": self.state,
            "scope": "read write",
            "resource": self.url,
            **changes,
        }
        return f"{self.server['authorization_endpoint']}?{urlencode(asked)}"

    def _submit(self, path: str, page: httpx2.Response, **values: str) -> httpx2.Response:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        form = {**values, "csrfmiddlewaretoken": token[1] if token else ""}
        headers = {"Origin": self.probe.origin, "Referer": f"{self.probe.origin}/"}
        response = self.probe.send("POST", path, data=form, headers=headers)
        if response.status_code == 403:
            raise StepFailed(
                "The server refuses the forms of its own pages.",
                f"{PUBLIC_URL.format(origin=self.probe.origin)} {COOKIES}",
            )
        if not response.is_redirect:
            raise self.probe.unexpected(response, instead_of="the next page")
        return response

    def _require_own(self, url: str, subject: str) -> None:
        parts = urlsplit(url)
        if f"{parts.scheme}://{parts.netloc}" != self.probe.origin:
            advice = PUBLIC_URL.format(origin=self.probe.origin)
            raise StepFailed(f"{subject} {url}, not {self.probe.origin}.", advice)
