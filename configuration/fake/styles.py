"""The ways in which models and their servers write an answer, as seen in bug reports."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable
from typing import Any

from .faults import Fault

_THOUGHTS = 'The user asks for {"facts": []}, or {not: that}? I write [it] down.'

Completion = dict[str, Any]
Vectors = list[dict[str, Any]]


def _each_item(answer: dict[str, Any], change: Callable[[Any], Any]) -> dict[str, Any]:
    """Change each item of the one list of an answer."""
    return {name: [change(item) for item in items] for name, items in answer.items()}


def _without_nulls(item: Any) -> Any:
    return {k: v for k, v in item.items() if v is not None} if isinstance(item, dict) else item


def _other_case(item: Any) -> Any:
    if isinstance(item, str):
        return item.upper()
    categories = [name.upper() for name in item.get("categories", [])]
    changed = {"categories": [*categories, "astrology"], "verdict": item.get("verdict", "").upper()}
    return {name: changed.get(name, value) for name, value in item.items()}


def _numbers_as_text(item: Any) -> Any:
    if not isinstance(item, dict):
        return item
    return {k: str(v) if isinstance(v, int) else v for k, v in item.items()}


def _texts_alone(answer: dict[str, Any]) -> dict[str, Any]:
    return _each_item(answer, lambda item: item.get("text", item))


def _first_list(answer: dict[str, Any]) -> list[Any]:
    return list(next(iter(answer.values())))


# What a model writes instead of the JSON of an answer.
TEXTS: dict[Fault, Callable[[dict[str, Any]], str]] = {
    Fault.THOUGHT: lambda answer: f"<thought>{_THOUGHTS}</thought>\n{json.dumps(answer)}",
    Fault.REASONING_TAG: lambda answer: f"<reasoning>{_THOUGHTS}</reasoning>{json.dumps(answer)}",
    Fault.THINK_MARKS: lambda answer: f"|startthink|{_THOUGHTS}|endthink|{json.dumps(answer)}",
    Fault.OPEN_THINK: lambda answer: f"{_THOUGHTS}\n</think>\n\n{json.dumps(answer)}",
    Fault.NOTE_AFTER: lambda answer: f"{json.dumps(answer)}\n\nNote: I left out {{greetings}}.",
    Fault.NO_NULLS: lambda answer: json.dumps(_each_item(answer, _without_nulls)),
    Fault.EXTRA_KEY: lambda answer: json.dumps(
        {**_each_item(answer, lambda i: {**i, "confidence": 0.9}), "language": "en"}
    ),
    Fault.OTHER_CASE: lambda answer: json.dumps(_each_item(answer, _other_case)),
    Fault.ONE_MISFIT: lambda answer: json.dumps(
        {name: [{"text": None}, *items, 7] for name, items in answer.items()}
    ),
    Fault.STRINGS: lambda answer: json.dumps(_texts_alone(answer)),
    Fault.BARE_LIST: lambda answer: json.dumps(_first_list(answer)),
    Fault.IN_STRING: lambda answer: json.dumps(json.dumps(answer)),
    Fault.IN_LIST: lambda answer: json.dumps([answer]),
    Fault.NESTED: lambda answer: json.dumps(dict.fromkeys(answer, answer)),
    Fault.LINES: lambda answer: "\n".join(map(json.dumps, _first_list(answer))),
    Fault.SINGLE_QUOTES: repr,
    Fault.TRAILING_COMMA: lambda answer: json.dumps(answer).replace("]}", ",]}"),
    Fault.COMMENTS: lambda answer: json.dumps(answer, indent=1).replace("[\n", "[ // all\n", 1),
    Fault.SURROGATE: lambda answer: json.dumps(answer).replace('."', '.\\ud83d"'),
    Fault.NUMBERS_AS_TEXT: lambda answer: json.dumps(_each_item(answer, _numbers_as_text)),
    Fault.CUT_LIST: lambda answer: json.dumps(answer)[:-30],
    Fault.EMPTY: lambda answer: "",
}


def _message(completion: Completion) -> dict[str, Any]:
    message: dict[str, Any] = completion["choices"][0]["message"]
    return message


def _move(field: str, left: str | None) -> Callable[[Completion], Any]:
    """The text in another field than `content`."""

    def move(completion: Completion) -> None:
        message = _message(completion)
        message[field], message["content"] = message["content"], left

    return move


def _split_into_parts(completion: Completion) -> None:
    message = _message(completion)
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": _THOUGHTS}]}
    message["content"] = [thinking, {"type": "text", "text": message["content"]}]


def _call_tool(completion: Completion) -> None:
    message = _message(completion)
    function = {"name": "facts", "arguments": message["content"]}
    message |= {"content": None, "tool_calls": [{"type": "function", "function": function}]}


def _parse_content(field: str) -> Callable[[Completion], None]:
    def parse(completion: Completion) -> None:
        message = _message(completion)
        content = json.loads(message["content"])
        message |= {"content": None, field: content}

    return parse


def _run_out(completion: Completion) -> None:
    completion["choices"][0]["finish_reason"] = "length"


def _fail_in_choice(completion: Completion) -> None:
    error = {"code": 502, "message": "Upstream error"}
    choice = {"index": 0, "error": error, "finish_reason": "error", "message": {"content": ""}}
    completion["choices"] = [choice]


def _replace(body: dict[str, Any]) -> Callable[[Completion], None]:
    def replace(completion: Completion) -> None:
        completion.clear()
        completion.update(body)

    return replace


# What a server makes of a completion.
COMPLETIONS: dict[Fault, Callable[[Completion], Any]] = {
    Fault.REASONING_CONTENT: _move("reasoning_content", None),
    Fault.REASONING_FIELD: _move("reasoning", ""),
    Fault.PARTS: _split_into_parts,
    Fault.TOOL_CALL: _call_tool,
    Fault.PARSED: _parse_content("parsed"),
    Fault.OBJECT_CONTENT: _parse_content("content"),
    Fault.CUT_LIST: _run_out,
    Fault.NO_USAGE: lambda completion: completion.pop("usage"),
    Fault.NO_CHOICES: lambda completion: completion.update(choices=[]),
    Fault.NULL_CHOICES: lambda completion: completion.update(choices=None, usage=None),
    Fault.CHOICE_ERROR: _fail_in_choice,
    Fault.ERROR_IN_OK: _replace(
        {"error": {"code": 502, "message": "Provider returned error"}, "user_id": "user_1"}
    ),
    Fault.RATE_IN_OK: _replace({"error": {"code": 429, "message": "Rate limited upstream"}}),
    Fault.TEXT_IN_OK: _replace({"error": "The upstream server is overloaded"}),
    Fault.EVENT_ERROR: _replace({"error": {"code": 503, "message": "No instances available"}}),
}


def _without_index(vectors: Vectors, places: slice) -> None:
    for item in vectors[places]:
        del item["index"]


def _set_each(change: Callable[[list[float]], Any]) -> Callable[[Vectors], None]:
    def set_each(vectors: Vectors) -> None:
        for item in vectors:
            item["embedding"] = change(item["embedding"])

    return set_each


def _encode(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


# What a server makes of a list of vectors.
VECTORS: dict[Fault, Callable[[Vectors], Any]] = {
    Fault.NO_INDEX: lambda vectors: _without_index(vectors, slice(None)),
    Fault.NO_FIRST_INDEX: lambda vectors: _without_index(vectors, slice(1)),
    Fault.SAME_INDEX: lambda vectors: [item.update(index=0) for item in vectors],
    Fault.SHUFFLED: lambda vectors: vectors.reverse(),
    Fault.BASE64: _set_each(_encode),
    Fault.VALUES: _set_each(lambda vector: {"values": vector}),
    Fault.TEXT_NUMBERS: _set_each(lambda vector: [str(number) for number in vector]),
    Fault.LONG_VECTORS: _set_each(lambda vector: [1e30 * number for number in vector]),
    Fault.ONE_VECTOR: lambda vectors: vectors.__delitem__(slice(1, None)),
    Fault.NAN: _set_each(lambda vector: [float("nan"), *vector[1:]]),
    Fault.ZERO: _set_each(lambda vector: [0.0 for _ in vector]),
}


def write_events(completion: Completion) -> bytes:
    """The completion as the events of a stream, a few characters each."""
    if "choices" not in completion:
        return f": PROCESSING\n\ndata: {json.dumps(completion)}\n\n".encode()
    text = _message(completion)["content"] or ""
    pieces = [text[start : start + 20] for start in range(0, len(text), 20)]
    deltas = [{"delta": {"content": piece}, "finish_reason": None} for piece in pieces]
    chunks = [*deltas, {"delta": {}, "finish_reason": "stop"}]
    events = [json.dumps({**completion, "choices": [chunk]}) for chunk in chunks]
    return "".join(f"data: {event}\n\n" for event in [*events, "[DONE]"]).encode()
