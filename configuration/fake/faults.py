"""The faults that the fake model can inject."""

from __future__ import annotations

import re
from enum import StrEnum


class Fault(StrEnum):
    RATE_LIMITED = "rate_limited"  # 429 with Retry-After
    QUOTA = "quota"  # 429, the quota is exhausted
    KEY = "key"  # 401
    FORBIDDEN = "forbidden"  # 403
    NO_MODEL = "no_model"  # 404
    TOO_LONG = "too_long"  # 400
    ERROR = "error"  # 500
    OVERLOADED = "overloaded"  # 503
    HANG = "hang"  # no response
    DRIP = "drip"  # the response slowly, byte by byte
    CUT = "cut"  # half of the response
    LARGE = "large"  # a response over the limit
    REDIRECT = "redirect"  # 307 to another server
    NO_JSON = "no_json"  # 200 with a web page
    NONSENSE = "nonsense"  # text instead of JSON
    MISFIT = "misfit"  # JSON that does not match the schema
    FENCE = "fence"  # the right answer in a code block
    PROSE = "prose"  # the right answer within prose
    REFUSAL = "refusal"  # the model declines
    ROOM = "room"  # the model runs out of tokens
    FLOOD = "flood"  # ten thousand facts
    WRONG_SIZE = "wrong_size"  # vectors with other dimensions
    OBEDIENT = "obedient"  # it follows instructions in the text: a prompt injection


# Status, code and message, similar to OpenAI's.
STATUSES = {
    Fault.RATE_LIMITED: (429, "rate_limit_exceeded", "Rate limit reached."),
    Fault.QUOTA: (429, "insufficient_quota", "You exceeded your current quota."),
    Fault.KEY: (401, "invalid_api_key", "Incorrect API key provided."),
    Fault.FORBIDDEN: (403, "model_not_allowed", "This key may not use the model."),
    Fault.NO_MODEL: (404, "model_not_found", "The model does not exist."),
    Fault.TOO_LONG: (400, "context_length_exceeded", "This is more than the model's context."),
    Fault.ERROR: (500, "server_error", "The server had an error."),
    Fault.OVERLOADED: (503, "overloaded", "The engine is overloaded."),
}

# `[[fake:error]]` in a text makes every request with it fail, `[[fake:error:2]]` the first two.
_MARKER = re.compile(r"\[\[fake:(" + "|".join(Fault) + r")(?::(\d{1,4}))?\]\]")


def find_marker(text: str) -> tuple[Fault, int | None] | None:
    """The fault that a marker in the text requests, and how often; None means always."""
    marker = _MARKER.search(text)
    return (Fault(marker[1]), int(marker[2]) if marker[2] else None) if marker else None


def strip_markers(text: str) -> str:
    return _MARKER.sub("", text)
