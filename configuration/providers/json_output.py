"""Find the JSON in what a model wrote, and see whether it is what was asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator

from core.api.exception_handler import BadBody
from core.api.parsers import parse_json

# Characters of an answer that are read. Longer ones are none that was asked for.
MAX_LENGTH = 1_000_000

# How much is told, to the model and in errors, of what is wrong with an answer.
_SHOWN = 200

# What models think aloud before they answer, and the fence that they like to put JSON in.
_THOUGHTS = re.compile(r"\A\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
_FENCE = re.compile(r"```[a-z]*[ \t]*\n(.*?)```", re.DOTALL | re.IGNORECASE)


class Unreadable(Exception):
    """An answer that is not what was asked for; the text says why, to the model if need be."""


def read(text: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Read the object in an answer: as it is, in a fence, or amid some prose. Raises Unreadable."""
    if len(text) > MAX_LENGTH:
        raise Unreadable(f"The answer is longer than {MAX_LENGTH} characters.")
    value = _found(_THOUGHTS.sub("", text))
    if not isinstance(value, dict):
        raise Unreadable("The answer is not a JSON object.")
    wrong = next(Draft202012Validator(schema).iter_errors(value), None)
    if wrong is not None:
        # Not the value itself: what is told ends up in logs, too.
        at = "/".join(str(step) for step in wrong.absolute_path) or "the object itself"
        rule = f"{wrong.validator} is {wrong.validator_value}"
        raise Unreadable(f"The JSON does not fit the schema: see {at}, where {rule}."[:_SHOWN])
    return value


def _found(text: str) -> Any:
    """The first of the candidates that is JSON, as strictly as bodies of requests are read."""
    fault = "There is no JSON object in the answer."
    for candidate in _candidates(text):
        try:
            return parse_json(candidate.encode("utf-8", "surrogatepass"))
        except BadBody as error:
            fault = str(error.detail).replace("The body", "The answer")
    raise Unreadable(fault[:_SHOWN])


def _candidates(text: str) -> Iterator[str]:
    if text.lstrip().startswith("{"):
        yield text.strip()
    fenced = _FENCE.search(text)
    if fenced:
        yield fenced[1].strip()
    start, end = text.find("{"), text.rfind("}")
    if 0 <= start < end:
        yield text[start : end + 1]
