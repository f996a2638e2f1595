"""Parts of the OpenAPI document that many operations share."""

from __future__ import annotations

from typing import Any


def _string(description: str, **keywords: Any) -> dict[str, Any]:
    return {"type": "string", "description": description, **keywords}


# Headers of requests that depend on a version.
PRECONDITIONS = {
    "If-Match": "Change it only if its `ETag` is one of these, or with `*` in any version.",
    "If-None-Match": "Answer 304 without a body if the `ETag` is one of these.",
}

UNLESS_THERE = "`*`: store it only if there is none. Else: unless its `ETag` is one of these."

IDEMPOTENCY_KEY: dict[str, Any] = {
    "in": "header",
    "name": "Idempotency-Key",
    "schema": {"type": "string", "minLength": 1, "maxLength": 257},
    "description": "A name of your choice for this request, such as a UUID, of 1 to 255 printable "
    "ASCII characters, in quotes or bare. For 24 hours, the same request with the same key is done "
    "once, and answered as before.",
}

# Headers of every response. Those of rate limits are missing where the limit is off.
HEADERS = {
    "X-Request-ID": "RequestId",
    "RateLimit-Policy": "RateLimitPolicy",
    "RateLimit": "RateLimit",
    "X-RateLimit-Limit": "RateLimitLimit",
    "X-RateLimit-Remaining": "RateLimitRemaining",
    "X-RateLimit-Reset": "RateLimitReset",
}

_FAULT = {
    "type": "object",
    "required": ["loc", "code", "detail"],
    "properties": {
        "loc": {
            "type": "array",
            "items": {"type": ["string", "integer"]},
            "description": "The location: `body` or `query`, then the path to the value.",
        },
        "code": _string("The type of the fault, for programs. Codes do not change."),
        "detail": _string("The fault in a sentence."),
    },
}

COMPONENTS: dict[tuple[str, str], dict[str, Any]] = {
    ("headers", "RequestId"): {
        "description": "The id of this request: the client's, or a new one.",
        "schema": {"type": "string"},
    },
    ("headers", "EntityTag"): {
        "description": "The version, for `If-Match` and `If-None-Match`: strong for a single "
        "memory, weak for anything else.",
        "schema": {"type": "string"},
    },
    ("headers", "IdempotencyReplayed"): {
        "description": "`true` if the request was made before with this `Idempotency-Key`: this is "
        "the answer that it got then.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    ("headers", "RateLimitPolicy"): {
        "description": "The limit that this request counted towards, its quota and its window in "
        'seconds: `"reads";q=6000;w=60`.',
        "schema": {"type": "string"},
    },
    ("headers", "RateLimit"): {
        "description": "The remaining requests, and the seconds until the window resets: "
        '`"reads";r=5990;t=32`.',
        "schema": {"type": "string"},
    },
    ("headers", "RateLimitLimit"): {
        "description": "The number of requests allowed in the window.",
        "schema": {"type": "integer"},
    },
    ("headers", "RateLimitRemaining"): {
        "description": "The number of requests remaining in the window.",
        "schema": {"type": "integer"},
    },
    ("headers", "RateLimitReset"): {
        "description": "When the window resets, in seconds since 1970.",
        "schema": {"type": "integer"},
    },
    ("schemas", "Problem"): {
        "type": "object",
        "description": "An error, in the format of RFC 9457.",
        "required": ["type", "title", "status", "detail", "code", "request_id"],
        "properties": {
            "type": _string("Always `about:blank`: see `code`.", format="uri-reference"),
            "title": _string("The name of the status."),
            "status": {"type": "integer", "description": "The HTTP status."},
            "detail": _string("The error in a sentence."),
            "code": _string("The type of the error, for programs. Codes do not change."),
            "request_id": _string("The id of this request in the server's log."),
            "errors": {
                "type": "array",
                "items": _FAULT,
                "description": "The invalid values of the request.",
            },
        },
    },
}
