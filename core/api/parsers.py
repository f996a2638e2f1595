"""Strict parsing of JSON: every accepted value can be stored and returned unchanged."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser

from .exception_handler import BadBody

MAX_DEPTH = 32  # of nested objects and arrays

# The digits of the largest double. Most JSON parsers read numbers as doubles, so that a larger
# number would change on its way.
_MAX_DIGITS = 309

_UTF8 = {"", "utf-8", "utf8"}
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# The same in JSON, which escapes NUL. An escaped backslash before "u0000" is no such escape.
_UNSTORABLE_JSON = re.compile(r"(?<!\\)(?:\\\\)*\\u0000|[\ud800-\udfff]")

_CONTAINERS = (dict, list)

Loc = tuple[str | int, ...]


class StrictJSONParser(BaseParser):
    """JSON of RFC 8259 in UTF-8: an object, or also an array for the view's `array_actions`.

    A member that an object has twice is refused, as parsers differ in which one counts; with
    LEGACY_CLIENTS, the last one counts. Raises BadBody.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        context = parser_context or {}
        if _charset(media_type or "") not in _UTF8:
            raise UnsupportedMediaType(media_type or "", "JSON must be encoded in UTF-8.")
        decoder = DECODER if settings.LEGACY_CLIENTS else UNIQUE_DECODER
        value = parse_json(stream.read(), decoder=decoder)
        view = context.get("view")
        arrays = getattr(view, "action", None) in getattr(view, "array_actions", ())
        if not isinstance(value, dict) and not (arrays and isinstance(value, list)):
            raise BadBody("Send a JSON object.", code="not_an_object")
        return value


def parse_json(
    body: bytes, *, what: str = "The body", decoder: json.JSONDecoder | None = None
) -> Any:
    """Parse untrusted JSON. Raises BadBody; `what` is the subject of its message."""
    try:
        text = body.decode("utf-8-sig")
        value = (decoder or DECODER).decode(text)
    except UnicodeDecodeError as error:
        detail = f"{what} is not valid UTF-8 at byte {error.start}."
        raise BadBody(detail, code="not_utf8") from None
    except json.JSONDecodeError as error:
        position = f"line {error.lineno}, column {error.colno}"
        detail = f"{what} is not valid JSON: {error.msg} at {position}."
        raise BadBody(detail, code="not_json") from None
    except RecursionError:
        raise _too_deep(()) from None
    reject_unstorable(value, text)
    return value


def reject_unstorable(value: Any, text: str) -> None:
    """Raise BadBody for JSON that cannot be stored. `text` is the source of the value."""
    # Most texts cannot contain such values, and most others have none. Only where there is one, a
    # walk through every value finds its place: a small body can have very many values.
    may_be_deep = text.count("[") + text.count("{") > MAX_DEPTH
    if (may_be_deep and _is_too_deep(value)) or ("\\u" in text and _has_unstorable(value)):
        _check_storable(value, ())


def _is_too_deep(value: Any) -> bool:
    level = [value] if type(value) in _CONTAINERS else []
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) in _CONTAINERS
        ]
    return bool(level)


def _has_unstorable(value: Any) -> bool:
    return _UNSTORABLE_JSON.search(json.dumps(value, ensure_ascii=False)) is not None


def _check_storable(value: Any, loc: Loc) -> None:
    """Raise BadBody with the place of the first value that cannot be stored."""
    if len(loc) >= MAX_DEPTH:
        raise _too_deep(loc)
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(key, str) and _UNSTORABLE.search(key):
            raise _unstorable((*loc, _UNSTORABLE.sub("\ufffd", key)))
        if isinstance(inner, str):
            if _UNSTORABLE.search(inner):
                raise _unstorable((*loc, key))
        elif isinstance(inner, (dict, list)):
            _check_storable(inner, (*loc, key))


def _unstorable(loc: Loc) -> BadBody:
    detail = "Text must not contain NUL or unpaired surrogates."
    return BadBody(detail, code="invalid_text", loc=loc)


def _too_deep(loc: Loc) -> BadBody:
    detail = f"The value is nested deeper than {MAX_DEPTH} levels."
    return BadBody(detail, code="nested_too_deeply", loc=loc)


def _reject_constant(name: str) -> float:
    raise BadBody(f"`{name}` is not valid JSON.", code="not_json")


def unique_members(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object of JSON. Raises BadBody if a name occurs twice: a hook of JSON decoders."""
    value = dict(members)
    if len(value) < len(members):
        counts = Counter(name for name, _ in members)
        name = next(name for name, count in counts.items() if count > 1)
        detail = f"An object has `{name[:100]}` {counts[name]} times. Send it once."
        raise BadBody(detail, code="repeated")
    return value


def _parse_int(digits: str) -> int:
    # Checked first: parsing an integer takes time quadratic in the number of its digits.
    if len(digits) >= _MAX_DIGITS:
        _parse_float(digits)
    return int(digits)


def _parse_float(digits: str) -> float:
    number = float(digits)
    if not -sys.float_info.max <= number <= sys.float_info.max:
        raise _out_of_range()
    return number


def _out_of_range() -> BadBody:
    detail = "A number is outside the range of a double (about ±1.8e308)."
    return BadBody(detail, code="number_out_of_range")


# Decodes one JSON value. Raises BadBody as well as the errors of `json`: see `parse_json`.
DECODER = json.JSONDecoder(
    parse_constant=_reject_constant, parse_int=_parse_int, parse_float=_parse_float
)

# The same, for a request: no object has a member twice.
UNIQUE_DECODER = json.JSONDecoder(
    parse_constant=_reject_constant,
    parse_int=_parse_int,
    parse_float=_parse_float,
    object_pairs_hook=unique_members,
)


def _charset(media_type: str) -> str:
    _, *params = media_type.lower().split(";")
    for param in params:
        name, _, value = param.partition("=")
        if name.strip() == "charset":
            return value.strip().strip('"')
    return ""
