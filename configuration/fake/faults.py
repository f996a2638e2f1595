"""The ways in which the fake model fails."""

from __future__ import annotations

import re
from enum import StrEnum


class Fault(StrEnum):
    RATE_LIMITED = "rate_limited"  # 429 with Retry-After
    QUOTA = "quota"  # 429, the account is used up
    KEY = "key"  # 401
    FORBIDDEN = "forbidden"  # 403
    NO_MODEL = "no_model"  # 404
    TOO_LONG = "too_long"  # 400
    ERROR = "error"  # 500
    OVERLOADED = "overloaded"  # 503
    HANG = "hang"  # no answer
    DRIP = "drip"  # a byte of the answer now and then
    CUT = "cut"  # half of the answer
    LARGE = "large"  # more than anybody reads
    REDIRECT = "redirect"  # 307 to another server
    NO_JSON = "no_json"  # 200 with a web page
    NONSENSE = "nonsense"  # a text that is no JSON
    MISFIT = "misfit"  # JSON of another shape
    FENCE = "fence"  # the right answer in a fence
    PROSE = "prose"  # the right answer amid prose
    REFUSAL = "refusal"  # the model declines
    ROOM = "room"  # the model runs out of tokens
    FLOOD = "flood"  # ten thousand facts
    WRONG_SIZE = "wrong_size"  # vectors of another size
    OBEDIENT = "obedient"  # it does what the text to be looked at tells it to


# Status, and the code and the text in the body, much as OpenAI has them.
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

# `[[fake:error]]` in a text that is sent fails each call with it, `[[fake:error:2]]` the first two.
_MARK = re.compile(r"\[\[fake:(" + "|".join(Fault) + r")(?::(\d{1,4}))?\]\]")


def marked(text: str) -> tuple[Fault, int | None] | None:
    """The fault that a text asks for, and how often, None for always."""
    found = _MARK.search(text)
    return (Fault(found[1]), int(found[2]) if found[2] else None) if found else None


def unmarked(text: str) -> str:
    return _MARK.sub("", text)
