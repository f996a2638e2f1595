"""Fit a value that a model answered with to the JSON schema that it was asked for.

Models leave out fields, add others, write names in another case or numbers as text. What can be
read without guessing is read; one item out of place does not cost the others.

Of JSON schema this knows what the schemas of this project use: objects, arrays, strings with an
`enum` or without, numbers, booleans and null.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_IGNORED_IN_NAMES = re.compile(r"[\W_]+")
_INTEGER = re.compile(r"\s*#?(-?\d{1,15})\s*", re.ASCII)
# Such as "Fact 1" or "[2]".
_LABELLED = re.compile(
    r"\s*[\[(]?[a-z]{0,12}[\s_#:(\[.-]{0,3}(\d{1,15})[\])]?\.?\s*", re.IGNORECASE | re.ASCII
)
_SEPARATORS = re.compile(r"[,;|/\n]")

Schema = Mapping[str, Any]


class Misfit(Exception):
    """The value does not fit. The message names the field and the rule, never the value."""


class Fit:
    """Fits values to schemas, and counts the items of arrays that were left out."""

    def __init__(self) -> None:
        self.left_out = 0

    def value(self, value: Any, schema: Schema, path: str = "") -> Any:
        """The value, fitted. Raises Misfit."""
        types = schema.get("type", "object")
        if isinstance(types, list):
            return self._nullable(value, schema, types, path)
        if types == "object":
            return self._object(value, schema, path)
        if types == "array":
            return self._array(value, schema, path)
        return _scalar(value, schema, types, path)

    def _nullable(self, value: Any, schema: Schema, types: list[str], path: str) -> Any:
        """A nullable field that does not fit is null: it does not cost the others."""
        [other] = [name for name in types if name != "null"]
        try:
            return None if value is None else self.value(value, {**schema, "type": other}, path)
        except Misfit:
            return None

    def _object(self, value: Any, schema: Schema, path: str) -> dict[str, Any]:
        properties: Mapping[str, Schema] = schema["properties"]
        if isinstance(value, str):
            # A text alone stands for the object if it is all that the object needs.
            needed = [name for name in properties if not _has_default(properties[name])]
            if len(needed) == 1 and properties[needed[0]].get("type") == "string":
                value = {needed[0]: value}
        if not isinstance(value, Mapping):
            raise _misfit(path, "an object")
        by_name = {_normalize(str(name)): inner for name, inner in value.items()}
        by_name |= _find_renamed(by_name, properties)
        return {
            name: self._property(by_name, name, inner, f"{path}/{name}")
            for name, inner in properties.items()
        }

    def _property(self, by_name: Mapping[str, Any], name: str, schema: Schema, path: str) -> Any:
        key = _normalize(name)
        if key in by_name:
            return self.value(by_name[key], schema, path)
        # The array that an answer is all about has to be there: `{}` says nothing.
        if path.count("/") > 1 and _has_default(schema):
            return [] if schema["type"] == "array" else None
        raise Misfit(f"{path} is missing")

    def _array(self, value: Any, schema: Schema, path: str) -> list[Any]:
        inner: Schema = schema["items"]
        if value is None:
            return []
        if isinstance(value, Mapping) and (items := _items_of(value, inner)) is not None:
            value = items
        if isinstance(value, str) and ("enum" in inner or inner.get("type") == "integer"):
            value = _split(value, inner)
        if isinstance(value, str) and inner.get("type") == "object":
            raise _misfit(path, "an array")  # such as "none"
        items = value if isinstance(value, list) else [value]
        fitted, error = [], None
        for item in items:
            try:
                fitted.append(self.value(item, inner, f"{path}/*"))
            except Misfit as misfit:
                error = misfit
        # Names out of place are dropped. Of objects, one has to fit, or it is another answer.
        if error and not fitted and inner.get("type") == "object":
            raise error
        if inner.get("type") == "object":
            self.left_out += len(items) - len(fitted)
        return fitted


def _scalar(value: Any, schema: Schema, json_type: str, path: str) -> Any:
    if isinstance(value, list) and len(value) == 1:
        [value] = value
    if json_type == "string":
        return _string(value, schema, path)
    if json_type == "boolean":
        words = {"true": True, "yes": True, "false": False, "no": False}
        if isinstance(value, bool) or str(value).strip().lower() in words:
            return value if isinstance(value, bool) else words[str(value).strip().lower()]
        raise _misfit(path, "true or false")
    if json_type == "number":
        return _number(value, path)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = "" if isinstance(value, bool) else str(value)
    match = _INTEGER.fullmatch(text) or _LABELLED.fullmatch(text)
    if match is None:
        raise _misfit(path, "a whole number")
    return int(match[1])


def _number(value: Any, path: str) -> float:
    try:
        number = float("" if isinstance(value, bool) else value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise _misfit(path, "a number")
    return int(number) if number.is_integer() else number


def _string(value: Any, schema: Schema, path: str) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, Mapping):
        # The only text in it: `{"name": "work", "confidence": 0.9}`.
        texts = [inner for inner in value.values() if isinstance(inner, str)]
        value = texts[0] if len(texts) == 1 else None
    if not isinstance(value, str):
        raise _misfit(path, "a string")
    names = schema.get("enum")
    if names is None:
        return _UNSTORABLE.sub("\ufffd", value)
    by_name = {_normalize(name): name for name in names if name is not None}
    if _normalize(value) in by_name:
        return str(by_name[_normalize(value)])
    alike = [name for known, name in by_name.items() if _stem(known) == _stem(_normalize(value))]
    if len(alike) != 1:
        raise _misfit(path, "one of the names that are allowed")
    return str(alike[0])


def _find_renamed(by_name: Mapping[str, Any], properties: Mapping[str, Schema]) -> dict[str, Any]:
    """What stands for a missing field, by the field's name.

    `category` for `categories`; and the only text of an unknown name for the only missing text.
    """
    missing = [name for name in properties if _normalize(name) not in by_name]
    known = {_normalize(name) for name in properties}
    unknown = {name: value for name, value in by_name.items() if name not in known}
    renamed = {}
    for name in missing:
        alike = [other for other in unknown if _stem(other) == _stem(_normalize(name))]
        if properties[name].get("type") == "array" and alike:
            renamed[_normalize(name)] = unknown.pop(alike[0])
    texts = [value for value in unknown.values() if isinstance(value, str) and value.strip()]
    needed = [name for name in missing if not _has_default(properties[name])]
    if len(texts) == len(needed) == 1:
        [name] = needed
        if properties[name].get("type") == "string" and "enum" not in properties[name]:
            renamed[_normalize(name)] = texts[0]
    return renamed


def _items_of(value: Mapping[str, Any], inner: Schema) -> list[Any] | None:
    """The items of an object that stands for an array: by number, or each with a flag or score."""
    if not value:
        return None
    if "enum" in inner:
        has_scores = all(isinstance(each, bool | int | float) for each in value.values())
        return [name for name, each in value.items() if each] if has_scores else None
    known = {_normalize(name) for name in inner.get("properties", ())}
    if inner.get("type") != "object" or known & {_normalize(str(name)) for name in value}:
        return None
    kinds = {type(each) for each in value.values()}
    return list(value.values()) if kinds == {dict} or (kinds == {str} and len(value) > 1) else None


def _split(text: str, inner: Schema) -> list[str]:
    """The items of a list that is written as one text."""
    names = {_normalize(name) for name in inner.get("enum", ()) if name}
    if _normalize(text) in names:
        return [text]
    return [item for item in _SEPARATORS.split(text) if item.strip()]


def _stem(name: str) -> str:
    """A normalized name without its ending: `contradict` for `contradicts` and `contradicted`."""
    return re.sub(r"(?<=.{2})(?:ies|y|ed|s)$", "", name)


def _has_default(schema: Schema) -> bool:
    """Whether an object can do without this field: it may be null or empty."""
    return schema.get("type") == "array" or "null" in schema.get("type", ())


def _normalize(name: str) -> str:
    """Drop what names may differ in: case, spaces and other signs."""
    return _IGNORED_IN_NAMES.sub("", name.casefold())


def _misfit(path: str, expected: str) -> Misfit:
    return Misfit(f"{path or 'the answer'} is not {expected}")
