"""Read the arguments of a tool as clients and models write them.

They fill optional arguments with empty values, put JSON and numbers into strings, send one value
where a list is meant, and add fields of their own.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.api.problems import UNKNOWN_FIELD, Fault
from core.api.unknown_fields import explain_unknown

from .argument_names import asks_for_less, is_typo

Schema = Mapping[str, Any]
Loc = tuple[str | int, ...]

MAX_IGNORED = 20  # names that a result lists
MAX_NAME_LENGTH = 100

BOOLEANS = {"true": True, "false": False}


@dataclass
class Arguments:
    """The arguments of a call. Those that are not known are either faults, or ignored."""

    values: dict[str, Any] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    ignored: dict[str, str] = field(default_factory=dict)  # explanations by name


def read_arguments(sent: Mapping[str, Any], schema: Schema) -> Arguments:
    """Read arguments by the JSON Schema of their tool."""
    reader = _Reader(schema.get("$defs", {}))
    values = reader.read_object(sent, schema, ())
    return Arguments(values, reader.faults, reader.ignored)


class _Reader:
    def __init__(self, definitions: Mapping[str, Schema]) -> None:
        self.definitions = definitions
        self.faults: list[Fault] = []
        self.ignored: dict[str, str] = {}

    def read_object(self, sent: Mapping[str, Any], schema: Schema, loc: Loc) -> dict[str, Any]:
        """Read what is known, without the optional arguments that are empty."""
        known, required = schema["properties"], schema.get("required", ())
        self._note_unknown([name for name in sent if name not in known], known, loc)
        values = {
            name: self._read(sent[name], known[name], (*loc, name))
            for name in known
            if name in sent
        }
        return {
            name: value
            for name, value in values.items()
            if name in required or not _is_empty(value)
        }

    def _read(self, value: Any, schema: Schema, loc: Loc) -> Any:
        kinds = dict(self._kinds(schema))
        if isinstance(value, str) and "string" not in kinds:
            value = _parse(value, kinds)
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = value if {"integer", "number"} & {*kinds} else _quote(value, kinds)
        if "array" in kinds and "string" not in kinds and not (_is_empty(value) or _is_list(value)):
            value = [value]
        if _is_list(value) and "array" in kinds:
            return self._read_list(value, kinds["array"], loc)
        if isinstance(value, dict) and "properties" in kinds.get("object", {}):
            return self.read_object(value, kinds["object"], loc)
        return value

    def _read_list(self, values: list[Any], schema: Schema, loc: Loc) -> list[Any]:
        items = schema.get("items")
        if not items:
            return values
        read = [self._read(value, items, (*loc, index)) for index, value in enumerate(values)]
        return [value for value in read if not _is_empty(value)]

    def _kinds(self, schema: Schema) -> Iterator[tuple[str, Schema]]:
        """Yield the types of a schema, each with the part of the schema that describes it."""
        if "$ref" in schema:
            schema = self.definitions[schema["$ref"].split("/")[-1]]
        for part in schema.get("anyOf", ()):
            yield from self._kinds(part)
        if "type" in schema:
            yield schema["type"], schema

    def _note_unknown(self, names: Collection[str], known: Collection[str], loc: Loc) -> None:
        for name in names:
            detail = explain_unknown(name, known)
            # Messages have fields of the model that they are from.
            if is_typo(name, known) or (not loc and asks_for_less(name)):
                self.faults.append(Fault(("body", *loc, name), UNKNOWN_FIELD, detail))
            elif len(self.ignored) < MAX_IGNORED:
                path = ".".join(str(part) for part in (*loc, name))
                self.ignored[path[:MAX_NAME_LENGTH]] = detail


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _is_empty(value: Any) -> bool:
    return value is None or value == [] or (isinstance(value, str) and not value.strip())


def _parse(text: str, kinds: Collection[str]) -> Any:
    """Parse a string that stands for a value of another type, or return it as it is."""
    if text.strip() == "null":
        return None
    if "boolean" in kinds:
        return BOOLEANS.get(text.strip().casefold(), text)
    if text.strip().startswith(("[", "{")):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return text
        return value if "array" in kinds or not _is_list(value) else text
    return text


def _quote(number: float, kinds: Collection[str]) -> Any:
    return json.dumps(number) if "string" in kinds else number
