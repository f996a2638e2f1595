"""The JSON schemas of the language model's answers.

They work with strict structured output of all providers: every property is required, no other is
allowed, and there are no limits on lengths, which not all providers support. The code that reads
the answers enforces the limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

FACTS = "facts"
VERDICTS = "verdicts"
CATEGORIES = "categories"


class Relation(StrEnum):
    """How a fact relates to existing memories."""

    NEW = "new"
    KNOWN = "known"
    CONTRADICTS = "contradicts"


def facts(categories: Sequence[str]) -> dict[str, Any]:
    """The facts of a text, each with some of these categories."""
    return _list_schema(
        FACTS,
        {
            "text": {"type": "string"},
            "speaker": {"type": ["string", "null"]},
            "date": {"type": ["string", "null"]},
            "valid_from": {"type": ["string", "null"]},
            "valid_until": {"type": ["string", "null"]},
            "expires_at": {"type": ["string", "null"]},
            "categories": _subset_schema(categories),
        },
    )


def verdicts() -> dict[str, Any]:
    """A verdict on each fact, with the numbers of the memories that it refers to."""
    return _list_schema(
        VERDICTS,
        {
            "fact": {"type": "integer"},
            "verdict": {"type": "string", "enum": [str(relation) for relation in Relation]},
            "memories": {"type": "array", "items": {"type": "integer"}},
        },
    )


def categories(names: Sequence[str]) -> dict[str, Any]:
    """The categories of one text."""
    return _object_schema({CATEGORIES: _subset_schema(names)})


def _subset_schema(names: Sequence[str]) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string", "enum": list(names)}}


def _list_schema(name: str, properties: dict[str, Any]) -> dict[str, Any]:
    return _object_schema({name: {"type": "array", "items": _object_schema(properties)}})


def _object_schema(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
