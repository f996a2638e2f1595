"""Addresses of providers' servers."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

MAX_LENGTH = 500

_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")


def fault(url: str) -> str | None:
    """Say what is wrong with the base URL of an API, None when nothing is."""
    if not _PRINTABLE.fullmatch(url):
        return "A URL is printable ASCII without spaces."
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "This is not a URL."
    if parts.scheme not in ("http", "https") or not host or not _HOST.fullmatch(host):
        return "Send the URL of a server, such as http://localhost:11434."
    if port == 0:
        return "This is not a URL."
    if "@" in parts.netloc:
        return "Send the key as `api_key`, not in the URL."
    if "?" in url or "#" in url:
        return "The base of an API has neither a query nor a fragment."
    return None


def origin(url: str) -> str:
    """The server that a URL leads to: `https://api.openai.com:443`."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{parts.hostname}:{port}"
