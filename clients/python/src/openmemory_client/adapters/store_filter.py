"""LangGraph's filters: as the server's, which finds few candidates, and exactly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

OPERATORS = {"$eq": "eq", "$gt": "gt", "$gte": "gte", "$lt": "lt", "$lte": "lte"}
_SIMPLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def to_metadata_filter(
    wanted: Mapping[str, Any] | None, *, indexed: bool = False
) -> dict[str, Any]:
    """Translate what the server's grammar can say. The rest is left to `matches`."""
    conditions: dict[str, Any] = {"value": {"exists": True}}
    conditions |= {"indexed": True} if indexed else {"text_of": {"exists": False}}
    for key, value in (wanted or {}).items():
        if not _SIMPLE.fullmatch(key):
            continue
        if isinstance(value, str | bool):
            conditions[f"value.{key}"] = {"eq": value}
        elif _is_range(value):
            conditions[f"value.{key}"] = {OPERATORS[name]: bound for name, bound in value.items()}
    return conditions


def matches(value: Mapping[str, Any], wanted: Mapping[str, Any] | None) -> bool:
    return all(_fits(value.get(key), each) for key, each in (wanted or {}).items())


def _fits(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        if any(str(name).startswith("$") for name in wanted):
            return all(_compare(value, name, bound) for name, bound in wanted.items())
        return isinstance(value, Mapping) and matches(value, wanted)
    if isinstance(wanted, list | tuple):
        return (
            isinstance(value, list | tuple)
            and len(value) == len(wanted)
            and all(_fits(one, other) for one, other in zip(value, wanted, strict=True))
        )
    return bool(value == wanted)


def _compare(value: Any, operator: str, bound: Any) -> bool:
    if operator == "$eq":
        return bool(value == bound)
    if operator == "$ne":
        return bool(value != bound)
    if operator not in OPERATORS:
        raise ValueError(f"{operator} is no operator of a filter.")
    try:
        number, limit = float(value), float(bound)
    except (TypeError, ValueError):
        return False
    if operator == "$gt":
        return number > limit
    if operator == "$gte":
        return number >= limit
    return number < limit if operator == "$lt" else number <= limit


def _is_range(value: Any) -> bool:
    """Whether it bounds numbers. Equal ones have several spellings in JSON."""
    return (
        isinstance(value, Mapping)
        and value.keys() <= OPERATORS.keys() - {"$eq"}
        and all(isinstance(each, int | float) for each in value.values())
    )
