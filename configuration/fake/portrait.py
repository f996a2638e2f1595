"""What the fake model makes of memories, in the shape that is asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_NUMBER = re.compile(r"\d+")

Words = Callable[[str], set[str]]


def portray(
    schema: Mapping[str, Any], texts: Sequence[str], words_of: Words, name: str = ""
) -> Any:
    """Fill a schema: a text gets the memories that have a word of its name, or else all of them."""
    json_type = schema.get("type", "object")
    is_nullable = isinstance(json_type, list)
    if is_nullable:
        json_type = next(each for each in json_type if each != "null")
    if json_type == "object":
        return {
            each: portray(inner, texts, words_of, each)
            for each, inner in schema["properties"].items()
        }
    words = words_of(f"{name.replace('_', ' ')} {schema.get('description', '')}")
    near = [text for text in texts if words & words_of(text)]
    if json_type == "array":
        return [portray(schema["items"], [text], words_of, name) for text in near or texts]
    return _scalar(schema, json_type, near or ([] if is_nullable else list(texts)), words_of)


def _scalar(
    schema: Mapping[str, Any], json_type: str, texts: Sequence[str], words_of: Words
) -> Any:
    if not texts:
        return (
            None
            if isinstance(schema["type"], list)
            else {"string": "", "boolean": False}.get(json_type, 0)
        )
    if json_type == "boolean":
        return True
    text = " ".join(texts)
    if json_type in ("integer", "number"):
        numbers = _NUMBER.findall(text)
        return int(numbers[0]) if numbers else 0
    names = [each for each in schema.get("enum", []) if each]
    if names:
        return next((each for each in names if words_of(each) & words_of(text)), names[0])
    return text
