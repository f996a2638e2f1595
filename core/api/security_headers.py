"""Headers that keep answers out of caches, and browsers from running them as pages."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

# The same for everybody, without data of a user. Static files have a Cache-Control of their own.
_PUBLIC_PATHS = ("/api/schema", "/docs", "/redoc", settings.STATIC_URL)

# Of a page that leaves the server by a form: browsers would check each redirect after it, too.
LEAVING_PAGE_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
# Of a page that sets no other one: it has no inline scripts or styles, and nothing of other hosts.
_PAGE_POLICY = f"{LEAVING_PAGE_POLICY}; form-action 'self'"

# Anything else is data and loads nothing.
_DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"


class SecurityHeadersMiddleware:
    """Add what a view has not set itself. Django's own middleware adds the other headers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not request.path_info.startswith(_PUBLIC_PATHS):
            response.headers.setdefault("Cache-Control", "no-store")
            is_page = response.headers.get("Content-Type", "").startswith("text/html")
            policy = _PAGE_POLICY if is_page else _DATA_POLICY
            response.headers.setdefault("Content-Security-Policy", policy)
        return response
