"""Take values of JSON as what they should be: files of other products change without notice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

from django.utils import timezone

# Where numbers count milliseconds: as seconds, this is the year 5138.
_MILLISECONDS_FROM = 1e11
_CLOCK_TOLERANCE = timedelta(minutes=5)


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def as_dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def dicts(value: Any) -> Iterator[dict[str, Any]]:
    return (each for each in as_list(value) if isinstance(each, dict))


def texts(value: Any) -> Iterator[str]:
    return (each for each in as_list(value) if isinstance(each, str))


def present(**values: Any) -> dict[str, Any]:
    """The metadata among these values: those that say something."""
    return {name: value for name, value in values.items() if value not in (None, "", [], {})}


def digest(*parts: str) -> str:
    """A key of texts, for what has no id of its own."""
    return sha256("\0".join(parts).encode()).hexdigest()[:32]


def as_moment(value: Any) -> datetime | None:
    """Read a time: seconds or milliseconds since 1970, or ISO 8601; without a zone, of UTC.

    None for what is no time, and for one in the future, where nothing was said yet.
    """
    try:
        moment = _parse(value)
        is_past = moment is not None and moment <= timezone.now() + _CLOCK_TOLERANCE
    except (ValueError, OverflowError, OSError):
        return None
    return moment if is_past else None


def _parse(value: Any) -> datetime | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        seconds = value / 1000 if abs(value) >= _MILLISECONDS_FROM else value
        return datetime.fromtimestamp(seconds, UTC)
    if isinstance(value, str) and value.strip():
        text = value.strip()
        return _parse(float(text)) if _is_number(text) else _zoned(datetime.fromisoformat(text))
    if isinstance(value, datetime):
        return _zoned(value)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return None


def _is_number(text: str) -> bool:
    # Not `20260131`, which is a day.
    return len(text) > 8 and text.replace(".", "", 1).isdecimal() and text.isascii()


def _zoned(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
