"""Base URLs of providers' APIs."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from .forbidden_addresses import ForbiddenAddress, check_host

MAX_LENGTH = 500

_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")


def check_base_url(url: str) -> str | None:
    """Return what is wrong with a base URL, None if it is valid."""
    if not _PRINTABLE.fullmatch(url):
        return "A URL must be printable ASCII without spaces."
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "This is not a valid URL."
    if parts.scheme not in ("http", "https") or not host or not _HOST.fullmatch(host):
        return "Enter the URL of a server, such as http://localhost:11434."
    if port == 0:
        return "This is not a valid URL."
    if "@" in parts.netloc:
        return "Send the key as `api_key`, not in the URL."
    if "?" in url or "#" in url:
        return "A base URL must not have a query or a fragment."
    try:
        check_host(host)
    except ForbiddenAddress:
        return "Link-local addresses and metadata services of clouds are not allowed."
    return None


def server_origin(url: str) -> str:
    """The origin of a URL, with its port: `https://api.openai.com:443`."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{parts.hostname}:{port}"
