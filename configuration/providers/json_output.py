"""Find the JSON in a model's output, and validate it against the requested schema."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator

from core.api.exception_handler import BadBody
from core.api.parsers import parse_json

# Characters. Longer output is rejected.
MAX_LENGTH = 1_000_000

# How many characters of an error the model and the logs get.
_MAX_ERROR_LENGTH = 200

# The reasoning that some models print before an answer, and a fenced code block.
_REASONING = re.compile(r"\A\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
_CODE_BLOCK = re.compile(r"```[a-z]*[ \t]*\n(.*?)```", re.DOTALL | re.IGNORECASE)


class InvalidOutput(Exception):
    """The output does not match the schema. The message says why, to the model on a retry."""


def parse_output(text: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object in an output: bare, in a code block, or within prose.

    Raises InvalidOutput.
    """
    if len(text) > MAX_LENGTH:
        raise InvalidOutput(f"The answer is longer than {MAX_LENGTH} characters.")
    value = _load_json(_REASONING.sub("", text))
    if not isinstance(value, dict):
        raise InvalidOutput("The answer is not a JSON object.")
    error = next(Draft202012Validator(schema).iter_errors(value), None)
    if error is not None:
        # Without the value itself: the message is logged, too.
        path = "/".join(str(step) for step in error.absolute_path) or "the object itself"
        rule = f"{error.validator} is {error.validator_value}"
        detail = f"The JSON does not fit the schema: see {path}, where {rule}."
        raise InvalidOutput(detail[:_MAX_ERROR_LENGTH])
    return value


def _load_json(text: str) -> Any:
    """Load the first candidate that is JSON, as strictly as the body of a request."""
    detail = "There is no JSON object in the answer."
    for candidate in _candidates(text):
        try:
            return parse_json(candidate.encode("utf-8", "surrogatepass"))
        except BadBody as error:
            detail = str(error.detail).replace("The body", "The answer")
    raise InvalidOutput(detail[:_MAX_ERROR_LENGTH])


def _candidates(text: str) -> Iterator[str]:
    if text.lstrip().startswith("{"):
        yield text.strip()
    code_block = _CODE_BLOCK.search(text)
    if code_block:
        yield code_block[1].strip()
    start, end = text.find("{"), text.rfind("}")
    if 0 <= start < end:
        yield text[start : end + 1]
