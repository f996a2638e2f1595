"""Ask a server from outside, as a connector does, and tell what stands in the way."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx2

SECONDS = 15
# Seconds by which the clocks may differ.
MAX_SKEW = 60
# Of MCP, as both products speak it.
VERSION = "2025-06-18"

PROXY = (
    "Have the proxy pass every path on, with the headers Host, Authorization, X-Forwarded-For and "
    "X-Forwarded-Proto: docs/operating.md has examples."
)
PUBLIC_URL = "Set OPENMEMORY_PUBLIC_URL={origin} and OPENMEMORY_TRUSTED_PROXIES=1, and restart."

_CERTIFICATES = {
    "self-signed": "Get a certificate of a public authority, such as Let's Encrypt.",
    "self signed": "Get a certificate of a public authority, such as Let's Encrypt.",
    "local issuer": "Have the proxy send the whole chain (fullchain.pem), not one certificate.",
    "has expired": "Renew the certificate, and have the proxy load it.",
    "not yet valid": "Set the clocks of both machines, or wait until the certificate is valid.",
    "mismatch": "Get a certificate for this host name, or use the name that it is for.",
    "doesn't match": "Get a certificate for this host name, or use the name that it is for.",
}

_STATUSES = {
    403: "Something in front refuses programs, such as a firewall or a check for robots: let "
    "requests to /mcp, /oauth/ and /.well-known/ pass.",
    404: f"Another server answers there, or the proxy does not pass this path on. {PROXY}",
    405: f"Another server answers there, or the proxy does not pass this method on. {PROXY}",
    429: "Too many requests from this address. Wait a minute, and try again.",
    502: "The proxy does not reach the server. Is it running, and on the port that the proxy has?",
    503: "The server or the proxy is overloaded or starting. Try again; see `manage.py doctor`.",
    504: "The server does not answer the proxy in time. See `manage.py doctor`.",
}


class StepFailed(Exception):
    """A connector would stop here."""

    def __init__(self, problem: str, advice: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.advice = advice


@dataclass
class Probe:
    """Sends requests to one server. `note` is told what is no error, but may be one elsewhere."""

    origin: str
    note: Callable[[str, str], None]
    http: httpx2.Client = field(init=False)

    def __post_init__(self) -> None:
        self.http = httpx2.Client(
            timeout=SECONDS,
            verify=ssl.create_default_context(),
            headers={"User-Agent": "openmemory-check-connector"},
        )

    def send(self, method: str, url: str, **options: Any) -> httpx2.Response:
        """Raises StepFailed for no answer, a redirect, and the errors of whatever is in front."""
        address = url if url.startswith("http") else f"{self.origin}{url}"
        try:
            response = self.http.request(method, address, **options)
        except httpx2.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise StepFailed(
                f"{method} {address} got no answer: {reason}.",
                "Is the server running? Do a firewall or the router let this port through?",
            ) from error
        if response.status_code >= 500 or response.status_code == 429:
            raise self.unexpected(response)
        return response

    def unexpected(self, response: httpx2.Response, *, instead_of: str = "") -> StepFailed:
        """What a response says about what is in front of the server."""
        asked = f"{response.request.method} {response.request.url.copy_with(query=None)}"
        code = error_code(response)
        expected = f", not {instead_of}" if instead_of else ""
        problem = f"{asked} was answered {response.status_code}{f' ({code})' if code else ''}"
        if response.is_redirect:
            target = response.headers.get("Location", "")
            return StepFailed(
                f"{problem} and sent on to {target}{expected}.",
                "Connectors do not follow: add the address that it leads to, or end the redirect.",
            )
        if code == "host_not_allowed":
            return StepFailed(f"{problem}{expected}.", PUBLIC_URL.format(origin=self.origin))
        advice = _STATUSES.get(response.status_code, PROXY)
        return StepFailed(f"{problem}{expected}.", advice)

    def post_message(
        self, url: str, method: str, *, token: str = "", **params: Any
    ) -> httpx2.Response:
        """Send a message of MCP."""
        headers = {"Accept": "application/json, text/event-stream"}
        if token:
            headers |= {"Authorization": f"Bearer {token}", "MCP-Protocol-Version": VERSION}
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return self.send("POST", url, json=message, headers=headers)

    def compare_clocks(self, response: httpx2.Response) -> None:
        try:
            theirs = parsedate_to_datetime(response.headers["Date"])
        except (KeyError, ValueError):
            return
        skew = (theirs - datetime.now(UTC)).total_seconds()
        if abs(skew) > MAX_SKEW:
            self.note(
                f"Its clock and that of this machine differ by {abs(round(skew))} seconds.",
                "Set both by NTP: tokens and codes seem to expire early, or late.",
            )

    def get_document(self, url: str) -> dict[str, Any]:
        response = self.send("GET", url, headers={"Accept": "application/json"})
        if response.status_code != 200:
            raise self.unexpected(response, instead_of="a document")
        document = as_json(response)
        if not isinstance(document, dict):
            raise StepFailed(
                f"GET {url} is not JSON: another server or the proxy answers.",
                f"Some proxies keep /.well-known/ for certificates. {PROXY}",
            )
        return document


def check_network(url: str, note: Callable[[str, str], None]) -> str:
    """Check the name and the certificate. Returns what was found. Raises StepFailed."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    addresses = _resolve(host, port)
    private = [each for each in addresses if not ipaddress.ip_address(each).is_global]
    if private:
        note(
            f"{host} is {', '.join(private)} here, which the internet does not reach.",
            "Programs on this network connect. claude.ai and ChatGPT need a public address.",
        )
    if parts.scheme == "https":
        return f"{host} is {addresses[0]}. {_check_certificate(host, port)}"
    return f"{host} is {addresses[0]}, without TLS."


def _resolve(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise StepFailed(
            f"The name {host} is not known.", "Add it to the DNS, or correct the address."
        ) from error
    return list(dict.fromkeys(str(address[0]).partition("%")[0] for *_, address in found))


def _check_certificate(host: str, port: int) -> str:
    context = ssl.create_default_context()
    try:
        with (
            socket.create_connection((host, port), timeout=SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=host) as secure,
        ):
            return f"Its certificate is valid ({secure.version()})."
    except ssl.SSLCertVerificationError as error:
        message = error.verify_message or str(error)
        advice = next((text for key, text in _CERTIFICATES.items() if key in message), PROXY)
        raise StepFailed(f"The certificate of {host} is not valid: {message}.", advice) from error
    except ssl.SSLError as error:
        raise StepFailed(
            f"{host}:{port} does not speak TLS ({error.reason or error}).",
            "The port is that of plain HTTP, or the proxy has no certificate. " + PROXY,
        ) from error
    except OSError as error:
        raise StepFailed(
            f"{host}:{port} cannot be reached: {error}.",
            "Is the proxy running? Do a firewall or the router let this port through?",
        ) from error


def as_json(response: httpx2.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def error_code(response: httpx2.Response) -> str:
    """The code of an error of this server's, in the words of the API or of OAuth."""
    document = as_json(response)
    if not isinstance(document, dict):
        return ""
    return str(document.get("code") or document.get("error") or "")
