"""Base URLs of providers' APIs."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

from core.forbidden_addresses import ForbiddenAddress, check_host

from .catalog import OLLAMA

MAX_LENGTH = 500

_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_AZURE_QUERY = re.compile(r"api-version=[A-Za-z0-9.-]{1,40}")
_AZURE_HOST = re.compile(r"\.(openai|cognitiveservices|services\.ai)\.azure\.(com|us|cn)$")

# Ends of a path that name a single call of an API, and not the API.
_CALLS = ("/chat/completions", "/completions", "/embeddings", "/chat", "/embed", "/generate")

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
    if "#" in url or ("?" in url and not _AZURE_QUERY.fullmatch(parts.query)):
        return "A base URL must not have a query or a fragment, except Azure's `?api-version=`."
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


def model_url(url: str, provider: str, model: str) -> str:
    """The base of a model's API, whichever address of its server an operator has entered."""
    base, _, query = url.partition("?")
    base = base.rstrip("/")
    for call in _CALLS:
        base = base.removesuffix(call)
    base = base.rstrip("/")
    if provider == OLLAMA:  # its own API is at /api, that of OpenAI at /v1
        base = base.removesuffix("/v1").removesuffix("/api").rstrip("/")
    elif _is_azure(base) and urlsplit(base).path.rstrip("/") in ("", "/openai"):
        base = base.removesuffix("/openai")
        base += f"/openai/deployments/{model}" if query else "/openai/v1"
    return f"{base}?{query}" if query else base


def split_query(url: str) -> tuple[str, dict[str, str]]:
    """The URL without its query, and the query."""
    base, _, query = url.partition("?")
    return base, dict(parse_qsl(query))


def azure_headers(url: str, key: str | None) -> dict[str, str]:
    """Azure takes a key in a header of its own."""
    return {"api-key": key} if key and (_is_azure(url) or "?api-version=" in url) else {}


def _is_azure(url: str) -> bool:
    return bool(_AZURE_HOST.search(urlsplit(url).hostname or ""))
