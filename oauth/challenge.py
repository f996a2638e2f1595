"""Tell a client that has no key for `/mcp` how it gets one."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse

from .issuer import MCP_PATH, find_issuer, resource_metadata_url
from .scopes import SCOPES


class ChallengeMiddleware:
    """Add where to get tokens to each 401 of `/mcp`, wherever in the server it comes from.

    Clients that find this ignore a key that they were configured with, so that nothing but a
    refusal says it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_refusal = response.status_code == HTTPStatus.UNAUTHORIZED
        if is_refusal and request.path.rstrip("/") == MCP_PATH:
            issuer = find_issuer(request)
            if issuer is not None:
                has_key = "Authorization" in request.headers
                response.headers["WWW-Authenticate"] = _challenge(issuer, is_invalid=has_key)
        return response


def _challenge(issuer: str, *, is_invalid: bool) -> str:
    parts = [f'resource_metadata="{resource_metadata_url(issuer)}"', f'scope="{SCOPES}"']
    if is_invalid:
        parts.insert(0, 'error="invalid_token"')
    return f"Bearer {', '.join(parts)}"
