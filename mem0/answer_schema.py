"""The shape of an answer that a client asks for, as language models take it.

Clients send any JSON schema, often one that Pydantic has written. Models with strict output take a
part of it: every property is required, and one that may be left out is null instead.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from core.errors import Malformed

MAX_BYTES = 50_000
MAX_DEPTH = 8
MAX_PROPERTIES = 200
MAX_DESCRIPTION = 1_000

_SCALARS = ("string", "integer", "number", "boolean")


class InvalidSchema(Malformed):
    """`schema` is a JSON schema of an object with `properties`, or that as a string."""

    code = "schema_invalid"


def read_schema(value: Any) -> dict[str, Any]:
    """Raises InvalidSchema, which names what a model could not fill."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise InvalidSchema from None
    if not isinstance(value, Mapping) or not value:
        raise InvalidSchema
    try:
        size = len(json.dumps(value).encode())
    except RecursionError:
        raise InvalidSchema from None
    if size > MAX_BYTES:
        raise InvalidSchema(f"`schema` has at most {MAX_BYTES:,} bytes.")
    return _Reader(value).read(value, "schema", ())


class _Reader:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self.root = root
        self.properties = 0

    def read(self, schema: Any, path: str, names: tuple[str, ...]) -> dict[str, Any]:
        """The schema at a path. `names` are the definitions that it is within."""
        if not isinstance(schema, Mapping):
            raise InvalidSchema(f"`{path}` is not a JSON schema.")
        if path.count(".") > MAX_DEPTH:
            raise InvalidSchema(f"`schema` can be at most {MAX_DEPTH} levels deep.")
        if "$ref" in schema:
            return self._read_reference(schema["$ref"], path, names)
        for name in ("anyOf", "oneOf", "allOf"):
            if schema.get(name):
                return self._read_variants(schema, name, path, names)
        json_type, is_nullable = _type_of(schema, path)
        if json_type == "object":
            read = self._read_object(schema, path, names)
        elif json_type == "array":
            items = schema.get("items") or {"type": "string"}
            read = {"type": "array", "items": self.read(items, f"{path}.items", names)}
        else:
            read = _read_scalar(schema, json_type)
        return _nullable(read) if is_nullable else read

    def _read_reference(self, reference: Any, path: str, names: tuple[str, ...]) -> dict[str, Any]:
        if reference in names:
            raise InvalidSchema(f"`{path}` refers to itself.")
        found: Any = self.root
        for part in str(reference).removeprefix("#/").split("/"):
            found = found.get(part) if isinstance(found, Mapping) else None
        if found is None:
            raise InvalidSchema(f"`{path}` refers to what is not in the schema.")
        return self.read(found, path, (*names, reference))

    def _read_variants(
        self, schema: Mapping[str, Any], name: str, path: str, names: tuple[str, ...]
    ) -> dict[str, Any]:
        variants = schema[name] if isinstance(schema[name], list) else []
        others = [each for each in variants if each != {"type": "null"}]
        if len(others) != 1:
            raise InvalidSchema(f"`{path}` can be several things: name one type, or one and null.")
        read = self.read(others[0], path, names)
        return _nullable(read) if len(others) < len(variants) else read

    def _read_object(
        self, schema: Mapping[str, Any], path: str, names: tuple[str, ...]
    ) -> dict[str, Any]:
        properties = schema.get("properties")
        if not isinstance(properties, Mapping) or not properties:
            raise InvalidSchema(f"`{path}` is an object without `properties`: name them.")
        self.properties += len(properties)
        if self.properties > MAX_PROPERTIES:
            raise InvalidSchema(f"`schema` has at most {MAX_PROPERTIES} properties.")
        required = schema.get("required")
        known = required if isinstance(required, list) else []
        read = {}
        for name, inner in properties.items():
            value = self.read(inner, f"{path}.{name[:50]}", names)
            read[str(name)] = value if name in known else _nullable(value)
        return {
            "type": "object",
            "properties": read,
            "required": list(read),
            "additionalProperties": False,
        }


def _type_of(schema: Mapping[str, Any], path: str) -> tuple[str, bool]:
    """The type of a schema, and whether it may be null. Raises InvalidSchema."""
    given = schema.get("type")
    types = given if isinstance(given, list) else [given] if given else []
    others = [name for name in types if name != "null"]
    if not types:
        others = [
            "object" if "properties" in schema else "array" if "items" in schema else "string"
        ]
    if len(others) != 1 or others[0] not in (*_SCALARS, "object", "array"):
        raise InvalidSchema(f"`{path}` has no type that a model could fill.")
    return str(others[0]), "null" in types


def _read_scalar(schema: Mapping[str, Any], json_type: str) -> dict[str, Any]:
    read: dict[str, Any] = {"type": json_type}
    description = schema.get("description")
    if isinstance(description, str) and description:
        read["description"] = description[:MAX_DESCRIPTION]
    names = [schema["const"]] if "const" in schema else schema.get("enum")
    if json_type == "string" and isinstance(names, list):
        texts = [name for name in names if isinstance(name, str)]
        if texts:
            read["enum"] = texts
    return read


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """A list may be empty instead."""
    json_type = schema["type"]
    if json_type == "array" or isinstance(json_type, list):
        return schema
    nullable = {**schema, "type": [json_type, "null"]}
    if "enum" in schema:
        nullable["enum"] = [*schema["enum"], None]
    return nullable
