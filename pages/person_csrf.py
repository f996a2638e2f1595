"""Protection of the forms of persons' pages, with a cookie apart from that of the admin."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware, InvalidTokenFormat
from django.utils.cache import patch_vary_headers
from django.utils.crypto import RANDOM_STRING_CHARS
from django.utils.decorators import decorator_from_middleware

COOKIE = "openmemory_person_csrf"
LENGTH = 32


class PersonCsrf(CsrfViewMiddleware):
    # Django reads and writes the cookie in these two methods only.
    def _get_secret(self, request: HttpRequest) -> str | None:
        secret = request.COOKIES.get(COOKIE)
        if secret is None:
            return None
        if len(secret) != LENGTH or not set(secret) <= set(RANDOM_STRING_CHARS):
            raise InvalidTokenFormat("has another length or other characters")
        return secret

    def _set_csrf_cookie(self, request: HttpRequest, response: HttpResponse) -> None:
        response.set_cookie(
            COOKIE,
            request.META["CSRF_COOKIE"],
            secure=settings.CSRF_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
        patch_vary_headers(response, ("Cookie",))


protect_forms: Any = decorator_from_middleware(PersonCsrf)
