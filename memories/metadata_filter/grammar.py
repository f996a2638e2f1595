"""Parse a filter on metadata from JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from core.api.problems import UNKNOWN_FIELD
from core.api.unknown_fields import explain_unknown, find_nearest
from memories.limits import MAX_CONDITIONS, MAX_FILTER_DEPTH, MAX_FILTER_VALUES, MAX_NAME

from .nodes import AllOf, AnyOf, Comparison, Node, Not, Operator

Loc = tuple[str | int, ...]
Path = tuple[str, ...]

LOGICAL = ("and", "or", "not")
OPERATORS = ("eq", "ne", "in", "nin", "gt", "gte", "lt", "lte", "contains", "exists")

# A logical operator is known where a key is, and no key of metadata.
_LOGICAL_PLACES = dict.fromkeys(LOGICAL, "around the key")

# A part of a dotted key: a backslash takes the next character as it is.
_KEY = re.compile(r"(?:[^.\\]|\\.)+(?:\.(?:[^.\\]|\\.)+)*", re.DOTALL)
_PART = re.compile(r"(?:[^.\\]|\\.)+", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class InvalidFilter(ValueError):
    """What is wrong with a filter, and where in it."""

    def __init__(self, detail: str, *, loc: Loc, code: str = "invalid") -> None:
        super().__init__(detail)
        self.detail, self.loc, self.code = detail, loc, code


def parse(source: Mapping[str, Any]) -> Node:
    """Parse the JSON object of a filter. Raises InvalidFilter."""
    return _Parser().parse_entries(source, (), depth=0)


class _Parser:
    def __init__(self) -> None:
        self.conditions = 0

    def parse_entries(self, entries: Mapping[str, Any], loc: Loc, *, depth: int) -> Node:
        parts = [
            self._parse_logical(name, value, (*loc, name), depth=depth + 1)
            if name in LOGICAL
            else self._parse_key(name, value, (*loc, name))
            for name, value in entries.items()
        ]
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _parse_logical(self, name: str, value: Any, loc: Loc, *, depth: int) -> Node:
        if depth > MAX_FILTER_DEPTH:
            detail = f"`and`, `or` and `not` can be at most {MAX_FILTER_DEPTH} levels deep."
            raise InvalidFilter(detail, loc=loc, code="nested_too_deeply")
        if name == "not":
            return Not(self._parse_part(value, loc, depth=depth))
        if not isinstance(value, list) or not value:
            raise InvalidFilter("Send a list of at least one object.", loc=loc)
        parts = [
            self._parse_part(part, (*loc, index), depth=depth) for index, part in enumerate(value)
        ]
        return (AllOf if name == "and" else AnyOf)(tuple(parts))

    def _parse_part(self, value: Any, loc: Loc, *, depth: int) -> Node:
        if not isinstance(value, dict) or not value:
            raise InvalidFilter("Send an object with at least one condition.", loc=loc)
        return self.parse_entries(value, loc, depth=depth)

    def _parse_key(self, key: str, value: Any, loc: Loc) -> Node:
        path = parse_path(key, loc)
        if not isinstance(value, dict):
            name = "contains" if isinstance(value, list) else "eq"
            return self._condition(path, name, value, loc)
        if not value:
            known = ", ".join(f"`{name}`" for name in OPERATORS)
            raise InvalidFilter(f"Send at least one operator: {known}.", loc=loc)
        parts = [
            self._condition(path, name, operand, (*loc, name)) for name, operand in value.items()
        ]
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _condition(self, path: Path, name: str, operand: Any, loc: Loc) -> Node:
        self.conditions += 1
        if self.conditions > MAX_CONDITIONS:
            raise InvalidFilter(f"Send at most {MAX_CONDITIONS} conditions.", loc=loc)
        if name not in OPERATORS:
            raise InvalidFilter(_explain_operator(name, loc), loc=loc, code=UNKNOWN_FIELD)
        if name in _CHECKS and (detail := _CHECKS[name](operand)):
            raise InvalidFilter(detail, loc=loc)
        return _comparison(path, name, operand)


def parse_path(key: str, loc: Loc) -> Path:
    """Split a dotted key into the keys that it is made of. Raises InvalidFilter."""
    logical = key.lstrip("$").casefold()
    if logical in LOGICAL:
        detail = f"{explain_unknown(key, LOGICAL)} A key of this name is written `\\{key}`."
        raise InvalidFilter(detail, loc=loc, code=UNKNOWN_FIELD)
    if len(key) > MAX_NAME:
        raise InvalidFilter(f"A key can have at most {MAX_NAME} characters.", loc=loc)
    if not _KEY.fullmatch(key):
        detail = (
            "Send keys separated by single dots. A dot or a backslash in a key is written "
            "after a backslash."
        )
        raise InvalidFilter(detail, loc=loc)
    return tuple(_ESCAPED.sub(r"\1", part) for part in _PART.findall(key))


def _comparison(path: Path, name: str, operand: Any) -> Node:
    match name:
        case "eq":
            return Comparison(path, Operator.IN, [operand])
        case "ne":
            return Not(Comparison(path, Operator.IN, [operand]))
        case "nin":
            return Not(Comparison(path, Operator.IN, operand))
        case "exists":
            exists = Comparison(path, Operator.EXISTS)
            return exists if operand else Not(exists)
    return Comparison(path, Operator(name), operand)


def _explain_operator(name: str, loc: Loc) -> str:
    detail = explain_unknown(name, OPERATORS, elsewhere=_LOGICAL_PLACES)
    if name in LOGICAL or find_nearest(name, [*OPERATORS, *LOGICAL]):
        return detail
    inner = f"`{loc[-2]}.{name}`"
    return f"{detail} A key inside is written {inner}, and an object is compared with `eq`."


def _check_list(operand: Any) -> str:
    if isinstance(operand, list) and len(operand) <= MAX_FILTER_VALUES:
        return ""
    return f"Send a list of at most {MAX_FILTER_VALUES} values."


def _check_ordered(operand: Any) -> str:
    # A boolean is an `int` in Python, but no number in JSON.
    is_ordered = isinstance(operand, str | int | float) and not isinstance(operand, bool)
    return "" if is_ordered else "Send a number or a string."


def _check_flag(operand: Any) -> str:
    return "" if isinstance(operand, bool) else "Send `true` or `false`."


# By operator, what is wrong with an operand, if anything. The others take any value.
_CHECKS: dict[str, Callable[[Any], str]] = {
    **dict.fromkeys(("in", "nin"), _check_list),
    **dict.fromkeys(("gt", "gte", "lt", "lte"), _check_ordered),
    "exists": _check_flag,
}
