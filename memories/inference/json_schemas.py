"""What the language model has to answer with.

Written so that providers with strict structured output take them: every property is required, no
other is allowed, and there are no bounds on lengths, which not all of them know. The bounds are
kept by who reads the answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

FACTS = "facts"
VERDICTS = "verdicts"
CATEGORIES = "categories"


class Relation(StrEnum):
    """What a fact is to the memories that there are."""

    NEW = "new"
    KNOWN = "known"
    CONTRADICTS = "contradicts"


def facts(categories: Sequence[str]) -> dict[str, Any]:
    """The facts of a text, each with its categories, which are some of those given."""
    return _list_of(
        FACTS,
        {
            "text": {"type": "string"},
            "speaker": {"type": ["string", "null"]},
            "date": {"type": ["string", "null"]},
            "categories": _some_of(categories),
        },
    )


def verdicts() -> dict[str, Any]:
    """What each fact is, and to which of the memories that were shown with it, by number."""
    return _list_of(
        VERDICTS,
        {
            "fact": {"type": "integer"},
            "verdict": {"type": "string", "enum": [str(each) for each in Relation]},
            "memories": {"type": "array", "items": {"type": "integer"}},
        },
    )


def categories(names: Sequence[str]) -> dict[str, Any]:
    """The categories of one text."""
    return _object({CATEGORIES: _some_of(names)})


def _some_of(names: Sequence[str]) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string", "enum": list(names)}}


def _list_of(name: str, properties: dict[str, Any]) -> dict[str, Any]:
    return _object({name: {"type": "array", "items": _object(properties)}})


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
