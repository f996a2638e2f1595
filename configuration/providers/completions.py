"""Find the text of an answer in a response: servers put it into different fields."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from configuration.errors import ModelRefused

_REASONING_FIELDS = (
    "reasoning_content", "reasoning", "thinking", "reasoning_details", "reasoning_text", "thoughts",
)  # fmt: skip
_REFUSALS = (
    "content_filter", "refusal", "safety", "prohibited_content", "recitation", "blocklist", "spii",
    "sensitive", "guardrail_intervened",
)  # fmt: skip
_CUT = (
    "length", "max_tokens", "model_length", "max_output_tokens", "model_context_window_exceeded",
)  # fmt: skip


@dataclass(frozen=True)
class Completion:
    """The texts that may have the answer, the likeliest first, and whether it was cut off."""

    texts: tuple[str, ...]
    is_cut: bool


def read_completion(response: Any, *, asked: str) -> Completion:
    """Read the answer of a model, `asked` for short. Raises ModelRefused."""
    response = response if isinstance(response, dict) else {}
    choices = response.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else response
    choice = choice if isinstance(choice, dict) else {}
    message = choice.get("message") or choice.get("delta")
    message = message if isinstance(message, dict) else {}
    reason = choice.get("finish_reason") or choice.get("done_reason") or ""
    texts = tuple(text for text in _texts(choice, message) if text.strip())
    if str(reason).lower() in _REFUSALS or (message.get("refusal") and not message.get("content")):
        raise ModelRefused(f"{asked} declined to answer.")
    return Completion(texts, is_cut=str(reason).lower() in _CUT)


def _texts(choice: Mapping[str, Any], message: Mapping[str, Any]) -> Iterator[str]:
    content = message.get("content")
    parts = content if isinstance(content, list) else [content]
    yield "".join(_part_text(part) for part in parts)
    if isinstance(message.get("parsed"), dict):
        yield json.dumps(message["parsed"])
    calls = message.get("tool_calls")
    last = {"function": message.get("function_call")}
    for call in [*(calls if isinstance(calls, list) else []), last]:
        function = call.get("function") if isinstance(call, dict) else None
        arguments = function.get("arguments") if isinstance(function, dict) else None
        if isinstance(arguments, dict):
            arguments = json.dumps(arguments)
        yield arguments if isinstance(arguments, str) else ""
    for text in (choice.get("text"), choice.get("response")):
        yield text if isinstance(text, str) else ""
    # A model whose answer ends up here has put nothing anywhere else.
    for name in _REASONING_FIELDS:
        yield _reasoning_text(message.get(name))
    yield "".join(_part_text(part, of="thinking") for part in parts)


def _reasoning_text(value: Any) -> str:
    """The text of a field of reasoning: a text, an object around one, or a list of these."""
    if isinstance(value, list):
        return "".join(map(_reasoning_text, value))
    if isinstance(value, dict):
        names = ("text", "content", "summary")
        value = next((value[name] for name in names if isinstance(value.get(name), str)), "")
    return value if isinstance(value, str) else ""


def _part_text(part: Any, *, of: str = "text") -> str:
    """The text of a part of the content: of an answer, or of what was thought before it."""
    if isinstance(part, str):
        return part if of == "text" else ""
    if not isinstance(part, dict):
        return ""
    if part.get("type") in ("thinking", "reasoning"):
        inner = part.get("thinking") or part.get("text") if of == "thinking" else None
        return "".join(map(_part_text, inner)) if isinstance(inner, list) else str(inner or "")
    if of == "thinking":
        return ""
    text = part.get("text")
    if isinstance(text, dict):
        text = text.get("value")
    if isinstance(text, str):
        return text
    if part.get("type") == "json" and isinstance(part.get("json"), dict):
        return json.dumps(part["json"])
    return json.dumps(part) if "type" not in part else ""
