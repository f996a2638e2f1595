"""Read the body of a response: JSON, or the events of a stream, joined to one object.

Some servers stream although they were not asked to, and some only stream. Others send comments or
empty lines before the JSON, to keep the connection open.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_DONE = "[DONE]"
# No others: a text may have the line breaks of Unicode.
_LINE_END = re.compile(r"\r\n|\n|\r")
_EVENT_END = re.compile(r"(?:\r\n|\n|\r){2,}")
_FIELDS = ("data:", "event:", "id:", "retry:")
# Text that arrives in pieces, and what ends it: in OpenAI's API and in Ollama's own.
_PIECES = ("content", "reasoning_content", "reasoning", "thinking", "refusal")


class StreamBrokeOff(ValueError):
    """The stream ended before the answer did."""


def read_body(content: bytes) -> Any:
    """The JSON value of a response. Raises ValueError, RecursionError."""
    text = _drop_comments(content.decode("utf-8-sig"))
    if text.startswith(_FIELDS):
        data = [each for each in _event_data(text) if each]
        is_done = data[-1:] == [_DONE]
        chunks = [json.loads(each) for each in data if each != _DONE]
        return _join(chunks, is_done=is_done)
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        lines = [line for line in _LINE_END.split(text) if line.strip()]
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
    """The data of each event, which may have several lines."""
    for event in _EVENT_END.split(text):
        lines = [line for line in _LINE_END.split(event) if line.startswith("data:")]
        data = [line.removeprefix("data:").strip() for line in lines]
        # Some servers put one line after another, without an empty one between them.
        if len(data) > 1 and all(each == _DONE or _is_json(each) for each in data):
            yield from data
        else:
            yield "\n".join(data)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _join(chunks: list[Any], *, is_done: bool = False) -> Any:
    """Join the chunks of a stream. One that is an error stands for all.

    The stream has ended where a chunk says so, or with `[DONE]`.
    """
    joined: dict[str, Any] = {}
    message: dict[str, Any] = {}
    ended = is_done
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
            message[name] = _joined(message.get(name), piece[name])
        elif isinstance(piece.get(name), list):
            message[name] = [*_as_parts(message.get(name)), *piece[name]]
    for call in piece.get("tool_calls") or []:
        arguments = (call.get("function") or {}).get("arguments")
        if isinstance(arguments, str):
            [joined] = message.setdefault("tool_calls", [{"function": {"arguments": ""}}])
            joined["function"]["arguments"] += arguments


def _joined(former: Any, text: str) -> Any:
    return [*former, text] if isinstance(former, list) else (former or "") + text


def _as_parts(former: Any) -> list[Any]:
    return former if isinstance(former, list) else [former] if former else []
