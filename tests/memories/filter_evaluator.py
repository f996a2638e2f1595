"""The grammar of filters on metadata once more, in Python: what PostgreSQL has to agree with."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

MISSING = object()


def matches(condition: dict[str, Any], metadata: dict[str, Any]) -> bool:
    return all(_entry(name, value, metadata) for name, value in condition.items())


def _entry(name: str, value: Any, metadata: dict[str, Any]) -> bool:
    if name == "and":
        return all(matches(part, metadata) for part in value)
    if name == "or":
        return any(matches(part, metadata) for part in value)
    if name == "not":
        return not matches(value, metadata)
    if isinstance(value, list):
        value = {"contains": value}
    if not isinstance(value, dict):
        value = {"eq": value}
    held = _reach(name, metadata)
    return all(_holds(operator, operand, held) for operator, operand in value.items())


def _reach(key: str, value: Any) -> Any:
    for part in re.split(r"(?<!\\)\.", key):
        name = part.replace("\\", "")
        value = value.get(name, MISSING) if isinstance(value, dict) else MISSING
    return value


def _holds(operator: str, operand: Any, held: Any) -> bool:
    match operator:
        case "exists":
            return (held is not MISSING) is operand
        case "eq":
            return _equal(held, operand)
        case "ne":
            return not _equal(held, operand)
        case "in":
            return any(_equal(held, each) for each in operand)
        case "nin":
            return not any(_equal(held, each) for each in operand)
        case "contains":
            return _contains(held, operand)
    if _kind(held) != _kind(operand):
        return False
    held, operand = _comparable(held), _comparable(operand)
    return {
        "gt": held > operand,
        "gte": held >= operand,
        "lt": held < operand,
        "lte": held <= operand,
    }[operator]


def _contains(held: Any, operand: Any) -> bool:
    if isinstance(held, str):
        return isinstance(operand, str) and operand in held
    if isinstance(held, list) and not isinstance(operand, list):
        operand = [operand]
    return isinstance(held, list | dict) and _includes(held, operand)


def _includes(held: Any, operand: Any) -> bool:
    if isinstance(held, dict) and isinstance(operand, dict):
        return all(key in held and _includes(held[key], operand[key]) for key in operand)
    if isinstance(held, list) and isinstance(operand, list):
        return all(any(_includes(each, part) for each in held) for part in operand)
    return not isinstance(operand, list | dict) and _equal(held, operand)


def _equal(first: Any, second: Any) -> bool:
    if _kind(first) != _kind(second):
        return False
    if isinstance(first, list):
        pairs = zip(first, second, strict=False)
        return len(first) == len(second) and all(_equal(*pair) for pair in pairs)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(
            _equal(first[key], second[key]) for key in first
        )
    return _comparable(first) == _comparable(second)


def _kind(value: Any) -> str:
    if value is MISSING:
        return "missing"
    return "number" if type(value) in (int, float) else type(value).__name__


def _comparable(value: Any) -> Any:
    """As decimals, which JSON's numbers are in PostgreSQL."""
    return Decimal(repr(value)) if _kind(value) == "number" else value
