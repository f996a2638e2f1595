"""Where an id can stand in a request, as the schema and the tools' arguments have it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, reduce
from operator import getitem
from typing import Any

from drf_spectacular.generators import SchemaGenerator

# An operation, such as `GET /memories`, and the name of a parameter or of a field.
Position = tuple[str, str]

PREFIX = "/api/v1"


@cache
def schema_positions() -> frozenset[Position]:
    """Every parameter and field of the API that is an id, or names a user."""
    schema = SchemaGenerator().get_schema(public=True)
    return frozenset(
        (f"{method.upper()} {path.removeprefix(PREFIX)}", name)
        for path, operations in schema["paths"].items()
        for method, operation in operations.items()
        for name, kind in _operation_fields(operation, schema)
        if _is_id(name, kind)
    )


def tool_positions(tools: list[dict[str, Any]]) -> set[Position]:
    """Every argument of a tool that is an id, or a place in somebody's list."""
    return {
        (tool["name"], name)
        for tool in tools
        for name, kind in fields_of(tool["inputSchema"], tool["inputSchema"])
        if _is_id(name, kind) or name == "cursor"
    }


def _is_id(name: str, kind: str | None) -> bool:
    return kind == "uuid" or name == "user_id"


def _operation_fields(
    operation: dict[str, Any], schema: dict[str, Any]
) -> Iterator[tuple[str, str | None]]:
    for parameter in operation.get("parameters", []):
        yield parameter["name"], parameter["schema"].get("format")
    for content in operation.get("requestBody", {}).get("content", {}).values():
        yield from fields_of(content["schema"], schema)


def fields_of(
    part: dict[str, Any], document: dict[str, Any], name: str = "", within: tuple[str, ...] = ()
) -> Iterator[tuple[str, str | None]]:
    """Yield the name and format of each field of a schema, at any depth."""
    reference = part.get("$ref")
    if reference in within:  # a condition may hold conditions
        return
    if reference:
        keys = reference.removeprefix("#/").split("/")
        part, within = reduce(getitem, keys, document), (*within, reference)
    if name:
        yield name, part.get("format")
    alternatives = [each for key in ("oneOf", "anyOf", "allOf") for each in part.get(key, [])]
    if "items" in part:
        alternatives.append(part["items"])
    for each in alternatives:
        yield from fields_of(each, document, name, within)
    for key, inner in part.get("properties", {}).items():
        yield from fields_of(inner, document, key, within)
