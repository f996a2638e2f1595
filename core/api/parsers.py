"""Bodies in JSON, read strictly: what is accepted can be kept and given back as it was."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser

from .exception_handler import BadBody

# An object in an object in an object …
MAX_DEPTH = 32

# The digits of the largest double. Most readers of JSON make doubles of numbers, and what is
# larger would come back from them, and from us, as something else than was sent.
_MAX_DIGITS = 309

_UTF8 = {"", "utf-8", "utf8"}
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

Loc = tuple[str | int, ...]


class StrictJSONParser(BaseParser):
    """JSON as of RFC 8259 in UTF-8, an object unless the view's `array_actions` has the action.

    Of two members of one name the last counts, as in most parsers. Raises BadBody.
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
            raise UnsupportedMediaType(media_type or "", "JSON is read in UTF-8 only.")
        body = stream.read()
        value = parse_json(body)
        view = context.get("view")
        arrays = getattr(view, "action", None) in getattr(view, "array_actions", ())
        if not isinstance(value, dict) and not (arrays and isinstance(value, list)):
            raise BadBody("Send a JSON object.", code="not_an_object")
        return value


def parse_json(body: bytes, *, what: str = "The body") -> Any:
    """Read JSON that comes from outside. Raises BadBody for whatever is wrong with it.

    `what` is the subject of that sentence.
    """
    try:
        text = body.decode("utf-8-sig")
        value = DECODER.decode(text)
    except UnicodeDecodeError as error:
        detail = f"{what} is not UTF-8: see its byte {error.start}."
        raise BadBody(detail, code="not_utf8") from None
    except json.JSONDecodeError as error:
        at = f"line {error.lineno}, column {error.colno}"
        detail = f"{what} is not JSON: {error.msg} at {at}."
        raise BadBody(detail, code="not_json") from None
    except RecursionError:
        raise _too_deep(()) from None
    reject_unstorable(value, text)
    return value


def reject_unstorable(value: Any, text: str) -> None:
    """Raise BadBody for what is JSON and cannot be kept. `text` is what the value was read from."""
    # Few texts have anything to look for, so most are spared the walk through every value.
    if "\\u" in text or text.count("[") + text.count("{") > MAX_DEPTH:
        _inspect(value, ())


def _inspect(value: Any, loc: Loc) -> None:
    """Refuse text that cannot be stored, and too many levels."""
    if len(loc) >= MAX_DEPTH:
        raise _too_deep(loc)
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(key, str) and _UNSTORABLE.search(key):
            raise _unstorable((*loc, _UNSTORABLE.sub("\ufffd", key)))
        if isinstance(inner, str):
            if _UNSTORABLE.search(inner):
                raise _unstorable((*loc, key))
        elif isinstance(inner, (dict, list)):
            _inspect(inner, (*loc, key))


def _unstorable(loc: Loc) -> BadBody:
    detail = "NUL and halves of surrogate pairs are no text."
    return BadBody(detail, code="invalid_text", loc=loc)


def _too_deep(loc: Loc) -> BadBody:
    detail = f"This is nested deeper than {MAX_DEPTH} levels."
    return BadBody(detail, code="nested_too_deeply", loc=loc)


def _constant(name: str) -> float:
    raise BadBody(f"This is not JSON, which has no `{name}`.", code="not_json")


def _integer(digits: str) -> int:
    # Checked before it is read: reading a very long one takes time by the square of its length.
    if len(digits) >= _MAX_DIGITS:
        _float(digits)
    return int(digits)


def _float(digits: str) -> float:
    number = float(digits)
    if not -sys.float_info.max <= number <= sys.float_info.max:
        raise _out_of_range()
    return number


def _out_of_range() -> BadBody:
    detail = "There is a number outside of the range of a double, about ±1.8e308."
    return BadBody(detail, code="number_out_of_range")


# Reads one JSON value. Raises BadBody beside what json does: see `loads`.
DECODER = json.JSONDecoder(parse_constant=_constant, parse_int=_integer, parse_float=_float)


def _charset(media_type: str) -> str:
    _, *params = media_type.lower().split(";")
    for param in params:
        name, _, value = param.partition("=")
        if name.strip() == "charset":
            return value.strip().strip('"')
    return ""
