"""What a browser has chosen for the pages: language, theme and time zone, each in a cookie."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.translation import get_supported_language_variant

LANGUAGE, THEME, ZONE = "openmemory_language", "openmemory_theme", "openmemory_zone"
THEMES = ("light", "dark")
COOKIE_AGE = 365 * 24 * 3600


@dataclass(frozen=True)
class BrowserChoices:
    """Empty where the browser's own setting decides."""

    language: str
    theme: str
    zone: str

    @classmethod
    def of(cls, request: HttpRequest) -> BrowserChoices:
        language = request.COOKIES.get(LANGUAGE, "")
        theme = request.COOKIES.get(THEME, "")
        zone = request.COOKIES.get(ZONE, "")
        return cls(
            language if language in dict(settings.LANGUAGES) else "",
            theme if theme in THEMES else "",
            zone if zone in zone_names() else "",
        )

    @contextmanager
    def in_force(self, request: HttpRequest) -> Iterator[None]:
        """Speak the language, and show times in the zone, within this block."""
        language = self.language or _preferred_language(request)
        with translation.override(language), timezone.override(self.zone or "UTC"):
            yield


def zone_names() -> set[str]:
    """The names of the time zones that this machine knows, read once."""
    global _zone_names
    if _zone_names is None:
        _zone_names = zoneinfo.available_timezones()
    return _zone_names


_zone_names: set[str] | None = None


def keep(response: HttpResponse, name: str, value: str) -> None:
    """Keep a choice in the browser, or forget it where it is empty."""
    if not value:
        response.delete_cookie(name)
        return
    secure = settings.SESSION_COOKIE_SECURE
    # The script of the pages sets the zone, and so has to read it.
    response.set_cookie(
        name, value, max_age=COOKIE_AGE, secure=secure, httponly=name != ZONE, samesite="Lax"
    )


def _preferred_language(request: HttpRequest) -> str:
    accepted = request.headers.get("Accept-Language", "")
    for code, _ in translation.trans_real.parse_accept_lang_header(accepted):
        try:
            return get_supported_language_variant(code)
        except LookupError:
            continue
    return settings.LANGUAGE_CODE
