"""What a client would rather have, as of RFC 7240: `Prefer: respond-async, wait=10`."""

from __future__ import annotations

import re

from django.http import HttpRequest
from rest_framework.request import Request

# A name, and perhaps a value. What stands behind a semicolon, nobody here understands.
_PREFERENCE = re.compile(r'\s*([!#$%&\'*+.^_`|~0-9a-z-]+)\s*(?:=\s*"?([^";]*)"?\s*)?(?:;.*)?', re.I)

# Characters of the header that are read: more than anybody has preferences.
MAX_CHARACTERS = 1000


def parse_preferences(request: HttpRequest | Request) -> dict[str, str]:
    """Read what is preferred, by name in lower case. What cannot be read is left out."""
    found: dict[str, str] = {}
    for part in request.headers.get("Prefer", "")[:MAX_CHARACTERS].split(","):
        match = _PREFERENCE.fullmatch(part)
        if match:
            # Of two of one name the first counts.
            found.setdefault(match[1].lower(), (match[2] or "").strip())
    return found


def prefers_async(request: HttpRequest | Request) -> bool:
    """Whether the client would rather be told where to look than wait."""
    return "respond-async" in parse_preferences(request)


def wait_seconds(request: HttpRequest | Request, *, at_most: int) -> int:
    """How many seconds the client would wait, 0 when it does not say."""
    wait = parse_preferences(request).get("wait", "")
    return min(int(wait), at_most) if wait.isascii() and wait.isdigit() and len(wait) < 9 else 0
