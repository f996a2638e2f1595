"""The address under which a client has reached this server, and what it may ask access to."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest

from core.exposure import is_loopback

# The only address that tokens are for, unless a client asks for the whole server.
MCP_PATH = "/mcp"

_DEFAULT_PORTS = {"https": ":443", "http": ":80"}


def find_issuer(request: HttpRequest) -> str | None:
    """Return the origin that names this server to a client. None if tokens would be overheard.

    Behind a proxy it is OPENMEMORY_PUBLIC_URL, whatever the proxy makes of the Host header.
    """
    host = request.get_host().lower()
    public = settings.PUBLIC_ADDRESS
    if public and (_is_proxied(request) or host == urlsplit(public.origin).netloc):
        origin = str(public.origin)
    else:
        origin = f"{request.scheme}://{host}"
    parts = urlsplit(origin)
    return origin if parts.scheme == "https" or is_loopback(parts.hostname or "") else None


def _is_proxied(request: HttpRequest) -> bool:
    names = ("X-Forwarded-For", "X-Forwarded-Proto")
    return settings.TRUSTED_PROXIES > 0 and any(name in request.headers for name in names)


def resource_metadata_url(issuer: str) -> str:
    return f"{issuer}/.well-known/oauth-protected-resource{MCP_PATH}"


def normalize_resource(text: str, *, issuer: str) -> str | None:
    """Return a resource of this server as it is stored, or None if it is another server's."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    netloc = parts.netloc.lower().removesuffix(_DEFAULT_PORTS.get(parts.scheme, ""))
    if f"{parts.scheme}://{netloc}" != issuer or "#" in text or parts.query:
        return None
    path = parts.path.rstrip("/")
    if path in ("", MCP_PATH):
        return f"{issuer}{path}"
    return None


def audience_of(resource: str) -> str:
    """Return the path that a token for this resource opens. Empty for the whole server."""
    return urlsplit(resource).path
