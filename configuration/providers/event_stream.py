"""Read the body of a response: JSON, or the events of a stream, joined to one object.

Some servers stream although they were not asked to, and some only stream. Others send comments or
empty lines before the JSON, to keep the connection open.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

_FIELDS = ("data:", "event:", "id:", "retry:")
# Text that arrives in pieces, and what ends it: in OpenAI's API and in Ollama's own.
_PIECES = ("content", "reasoning_content", "reasoning", "thinking", "refusal")


class StreamBrokeOff(ValueError):
    """The stream ended before the answer did."""


def read_body(content: bytes) -> Any:
    """The JSON value of a response. Raises ValueError, RecursionError."""
    text = _drop_comments(content.decode("utf-8-sig"))
    if text.startswith(_FIELDS):
        return _join([json.loads(data) for data in _event_data(text)])
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) < 2 or not lines[0].startswith("{"):
            raise
        return _join([json.loads(line) for line in lines])


def _drop_comments(text: str) -> str:
    text = text.lstrip()
    while text.startswith(":"):
        _, _, text = text.partition("\n")
        text = text.lstrip()
    return text


def _event_data(text: str) -> Iterator[str]:
    for line in text.splitlines():
        data = line.removeprefix("data:").strip()
        if line.startswith("data:") and data and data != "[DONE]":
            yield data


def _join(chunks: list[Any]) -> Any:
    """Join the chunks of a stream. One that is an error stands for all."""
    joined: dict[str, Any] = {}
    message: dict[str, Any] = {}
    ended = False
    for chunk in chunks:
        if not isinstance(chunk, dict) or chunk.get("error"):
            return chunk
        choice = next(iter(chunk.get("choices") or []), None) or {}
        piece = choice.get("delta") or choice.get("message") or chunk.get("message") or {}
        _append(message, piece)
        joined |= {name: value for name, value in chunk.items() if value is not None}
        if reason := choice.get("finish_reason"):
            message["finish_reason"] = reason
        ended = ended or bool(reason) or chunk.get("done") is True
    if not ended:
        raise StreamBrokeOff
    if "done" in joined:
        return {**joined, "message": message}
    reason = message.pop("finish_reason", None)
    return {**joined, "choices": [{"index": 0, "message": message, "finish_reason": reason}]}


def _append(message: dict[str, Any], piece: dict[str, Any]) -> None:
    for name in _PIECES:
        if isinstance(piece.get(name), str):
            message[name] = message.get(name, "") + piece[name]
    for call in piece.get("tool_calls") or []:
        arguments = (call.get("function") or {}).get("arguments")
        if isinstance(arguments, str):
            [joined] = message.setdefault("tool_calls", [{"function": {"arguments": ""}}])
            joined["function"]["arguments"] += arguments
