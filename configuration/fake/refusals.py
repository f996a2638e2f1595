"""What servers refuse, and how they say so, as seen in bug reports."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .faults import Fault

Body = dict[str, Any]


@dataclass(frozen=True)
class Refusal:
    """Requests for which `applies` is true are answered with this status and body."""

    status: int
    body: Any
    applies: Callable[[Body], bool] = lambda body: True
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


def _error(message: str, **fields: Any) -> Body:
    return {"error": {"message": message, **fields}}


def _fastapi(*loc: str) -> Body:
    detail = {
        "type": "extra_forbidden",
        "loc": ["body", *loc],
        "msg": "Extra inputs are not allowed",
    }
    return {"detail": [{**detail, "input": {"temperature": 0.1, "system": "role"}}]}


def _has(*names: str) -> Callable[[Body], bool]:
    return lambda body: any(name in body for name in names)


def _has_role(role: str) -> Callable[[Body], bool]:
    return lambda body: any(message["role"] == role for message in body.get("messages", []))


def _takes(number: int) -> Callable[[Body], bool]:
    return lambda body: len(body.get("input", [])) > number


_has_format = _has("response_format", "format")

REFUSALS: dict[Fault, Refusal] = {
    Fault.FASTAPI: Refusal(422, _fastapi("response_format", "json_schema"), _has_format),
    Fault.GRAMMAR: Refusal(500, _error("Failed to parse grammar"), _has_format),
    Fault.NO_ENDPOINT: Refusal(
        404, _error("No endpoints found that can handle the requested parameters."), _has_format
    ),
    Fault.NO_FORMAT: Refusal(404, {"message": "response_format is not served"}, _has_format),
    Fault.MUTE: Refusal(400, "", _has_format),
    Fault.MUTE_ERROR: Refusal(500, "Internal Server Error", _has_format),
    Fault.JSON_OBJECT_ONLY: Refusal(
        400,
        {"error": "'response_format.type' must be 'json_object' or 'text'"},
        lambda body: body.get("response_format", {}).get("type") == "json_schema",
    ),
    Fault.NO_SYSTEM: Refusal(
        400,
        [_error("Developer instruction is not enabled for models/gemma-3-27b-it", code=400)],
        _has_role("system"),
    ),
    Fault.ALTERNATE: Refusal(
        500,
        _error("Jinja Exception: Conversation roles must alternate user/assistant/user"),
        _has_role("system"),
    ),
    Fault.NO_TEMPERATURE: Refusal(
        400,
        _error("Unsupported value: 'temperature' does not support 0.1", param="temperature"),
        _has("temperature"),
    ),
    Fault.COMPLETION_TOKENS: Refusal(
        400,
        _error("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."),
        _has("max_tokens"),
    ),
    Fault.NO_LENGTH: Refusal(
        422,
        {"object": "error", "message": _fastapi("max_tokens", "max_completion_tokens")},
        _has("max_tokens", "max_completion_tokens"),
    ),
    Fault.STREAM_ONLY: Refusal(
        400,
        _error("parameter.enable_thinking must be set to false for non-streaming calls"),
        lambda body: not body.get("stream"),
    ),
    Fault.NO_THINKING: Refusal(400, {"error": '"fake" does not support thinking'}, _has("think")),
    Fault.TEN_TEXTS: Refusal(
        400,
        _error("<400> Value error, batch size is invalid, it should not be larger than 10."),
        _takes(10),
    ),
    Fault.BATCH_413: Refusal(413, {"error": "batch size 12 > maximum allowed 8"}, _takes(8)),
    Fault.BATCH_TOKENS: Refusal(
        400, _error("Too many tokens in batch. Max is 16384 got 17555"), _takes(5)
    ),
    Fault.MUTE_BATCH: Refusal(400, "Bad Request", _takes(3)),
    Fault.LOADING: Refusal(
        503, {"error": "Model fake is currently loading", "estimated_time": 600.0}
    ),
    Fault.OVERLOADED_529: Refusal(529, {"type": "error", "error": {"type": "overloaded_error"}}),
    Fault.GATEWAY_PAGE: Refusal(502, "<html><h1>502 Bad Gateway</h1></html>"),
    Fault.QUOTA_OF_A_MINUTE: Refusal(
        429,
        _error(
            "You exceeded your current quota, please check your plan and billing details.",
            status="RESOURCE_EXHAUSTED",
            details=[{"retryDelay": "600s"}],
        ),
    ),
    Fault.KEY_400: Refusal(
        400, [_error("API key not valid. Please pass a valid API key.", status="INVALID_ARGUMENT")]
    ),
    Fault.NOT_PULLED: Refusal(404, {"error": 'model "fake" not found, try pulling it first'}),
    Fault.FILTERED: Refusal(400, _error("The prompt was blocked.", code="content_filter")),
    Fault.CONTEXT_500: Refusal(500, _error("Context size has been exceeded.")),
}
