"""The Prefer header of RFC 7240: `Prefer: respond-async, wait=10`."""

from __future__ import annotations

import re

from django.http import HttpRequest
from rest_framework.request import Request

# A name and an optional value. Parameters after a semicolon are ignored.
_PREFERENCE = re.compile(r'\s*([!#$%&\'*+.^_`|~0-9a-z-]+)\s*(?:=\s*"?([^";]*)"?\s*)?(?:;.*)?', re.I)

# Only the beginning of a longer header is parsed.
MAX_CHARACTERS = 1000


def parse_preferences(request: HttpRequest | Request) -> dict[str, str]:
    """Return the preferences by name, in lower case. Malformed ones are ignored."""
    values: dict[str, str] = {}
    for part in request.headers.get("Prefer", "")[:MAX_CHARACTERS].split(","):
        match = _PREFERENCE.fullmatch(part)
        if match:
            # The first of several with one name counts.
            values.setdefault(match[1].lower(), (match[2] or "").strip())
    return values


def prefers_async(request: HttpRequest | Request) -> bool:
    """Whether the client prefers a 202 with a Location to waiting for the result."""
    return "respond-async" in parse_preferences(request)


def wait_seconds(request: HttpRequest | Request, *, at_most: int) -> int:
    """Return the seconds that the client is willing to wait, 0 if it does not say."""
    wait = parse_preferences(request).get("wait", "")
    return min(int(wait), at_most) if wait.isascii() and wait.isdigit() and len(wait) < 9 else 0
