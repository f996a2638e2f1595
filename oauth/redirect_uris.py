"""The addresses to which clients have a browser sent back, with the code in the query."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from core.exposure import is_loopback

MAX_URI = 2000

# What a URI consists of: no space, quote, backslash, control character or letter beyond ASCII.
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9\-._~:/?@!$&'()*+,;=%\[\]]+", re.ASCII)

# Browsers and systems run or open these themselves: none leads to a program that waits for a code.
_FORBIDDEN_SCHEMES = frozenset({
    "about", "blob", "chrome", "data", "file", "filesystem", "ftp", "intent", "jar", "javascript",
    "mailto", "ms-appinstaller", "search-ms", "sms", "ssh", "tel", "vbscript", "view-source", "ws",
    "wss",
})  # fmt: skip


def find_fault(uri: object) -> str | None:
    """Return what is wrong with a redirect URI, or None: https, http on loopback, or an own scheme.

    The sentence is ASCII without quotes, as errors of OAuth are.
    """
    if not isinstance(uri, str) or not _URI.fullmatch(uri) or len(uri) > MAX_URI:
        return f"A redirect URI is a URI of at most {MAX_URI} ASCII characters, without a fragment."
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "A redirect URI has a host that cannot be read, or a port that is no number."
    if "@" in parts.netloc:
        return "A redirect URI has no user and no password."
    if parts.scheme == "https":
        return None if host and port != 0 else "A redirect URI with https has a host."
    if parts.scheme == "http":
        if host and is_loopback(host) and port != 0:
            return None
        return "A redirect URI with http is on loopback: 127.0.0.1, [::1] or localhost. Use https."
    if parts.scheme in _FORBIDDEN_SCHEMES:
        return "A redirect URI cannot have this scheme, which browsers or systems open themselves."
    return None


def is_registered(uri: str, registered: list[str]) -> bool:
    """Whether a client has registered a URI: exactly, but for the port of one on loopback."""
    if uri in registered:
        return True
    return find_fault(uri) is None and any(_differs_in_port(uri, each) for each in registered)


def target_of(uri: str) -> str:
    """Name who gets the code: a host, or the scheme of a program. Empty for this computer."""
    parts = urlsplit(uri)
    if _is_local(parts):
        return ""
    return parts.netloc if parts.scheme == "https" else f"{parts.scheme}:"


def _differs_in_port(uri: str, registered: str) -> bool:
    one, other = urlsplit(uri), urlsplit(registered)
    if not (_is_local(one) and _is_local(other)):
        return False
    return (one.hostname, one.path, one.query) == (other.hostname, other.path, other.query)


def _is_local(parts: SplitResult) -> bool:
    return parts.scheme == "http" and is_loopback(parts.hostname or "")
