"""Middleware for requests to the admin only: sessions, CSRF protection, HTML error pages.

No other URL ever sees a session. So a cookie cannot authenticate an API request, and API requests
do not pay for reading sessions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.deprecation import MiddlewareMixin

from core.api.problems import ProblemResponse

from .error_pages import error_page

GetResponse = Callable[[HttpRequest], HttpResponse]

# Unfold has inline scripts, and Alpine compiles expressions from HTML attributes.
_POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)


def is_admin_request(request: HttpRequest) -> bool:
    return f"{request.path_info}/".startswith(f"{settings.ADMIN_PATH}/")


class AdminPages:
    """Render errors as HTML pages, and forbid loading anything from another host."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if is_admin_request(request):
            if isinstance(response, ProblemResponse):
                response = error_page(response.problem.detail, status=response.status_code)
            response.headers["Content-Security-Policy"] = _POLICY
        return response


class AdminOnlyMixin(MiddlewareMixin):
    """Skip the middleware for every URL outside the admin."""

    def __call__(self, request: HttpRequest) -> Any:
        return (
            super().__call__(request) if is_admin_request(request) else self.get_response(request)
        )


class AdminSessions(AdminOnlyMixin, SessionMiddleware):
    pass


class AdminCsrf(AdminOnlyMixin, CsrfViewMiddleware):
    def process_view(
        self, request: HttpRequest, view: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        return (
            super().process_view(request, view, args, kwargs) if is_admin_request(request) else None
        )


class AdminAuthentication(AdminOnlyMixin, AuthenticationMiddleware):
    pass


class AdminMessages(AdminOnlyMixin, MessageMiddleware):
    pass
