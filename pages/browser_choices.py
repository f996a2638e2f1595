"""What a browser has chosen for the pages: language and theme, each in a cookie."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.translation import get_supported_language_variant
from django.utils.translation.trans_real import parse_accept_lang_header

LANGUAGE, THEME = "openmemory_language", "openmemory_theme"
THEMES = ("light", "dark")
COOKIE_AGE = 365 * 24 * 3600


@dataclass(frozen=True)
class BrowserChoices:
    """Empty where the browser's own setting decides."""

    language: str
    theme: str

    @classmethod
    def of(cls, request: HttpRequest) -> BrowserChoices:
        language = request.COOKIES.get(LANGUAGE, "")
        theme = request.COOKIES.get(THEME, "")
        return cls(
            language if language in dict(settings.LANGUAGES) else "",
            theme if theme in THEMES else "",
        )

    @contextmanager
    def in_force(self, request: HttpRequest, *, zone: str) -> Iterator[None]:
        """Speak the language, and show times in the zone or else in UTC, within this block."""
        language = self.language or _preferred_language(request)
        with translation.override(language), timezone.override(zone or "UTC"):
            yield


def keep(response: HttpResponse, name: str, value: str) -> None:
    """Keep a choice in the browser, or forget it where it is empty."""
    if not value:
        response.delete_cookie(name)
        return
    secure = settings.SESSION_COOKIE_SECURE
    response.set_cookie(
        name, value, max_age=COOKIE_AGE, secure=secure, httponly=True, samesite="Lax"
    )


def _preferred_language(request: HttpRequest) -> str:
    accepted = request.headers.get("Accept-Language", "")
    for code, _ in parse_accept_lang_header(accepted):
        try:
            return get_supported_language_variant(code)
        except LookupError:
            continue
    return settings.LANGUAGE_CODE
