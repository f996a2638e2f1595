"""Read a time as people, programs and models write it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, tzinfo

EPOCH = datetime.fromtimestamp(0, UTC)
# The last second but one of the year 9999: `datetime` ends there.
MAX_SECONDS = 253402300798

LAST_SECOND = time(23, 59, 59)

_EPOCH = re.compile(r"([0-9]{1,12})(?:\.0+)?", re.ASCII)
# As seconds, these are of the year 1970: whoever writes them means a year, a month or a day.
_DATE_WITHOUT_DASHES = re.compile(
    r"(?:19|20)[0-9]{2}(?:(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])?)?", re.ASCII
)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
# In a query, a `+` that is not encoded arrives as a space.
_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?)"
    r"(?: ?([Zz]|UTC)|([+ -])([0-9]{2}):?([0-9]{2})?)?",
    re.ASCII,
)


class InvalidTime(ValueError):
    """What is wrong with a time, in a sentence."""


class NoTime(InvalidTime):
    """What was sent is none at all."""


def is_day(text: str) -> bool:
    """Whether a time is a day, which begins at another moment in each zone."""
    return _DAY.fullmatch(text.strip()) is not None


def parse_time(
    text: str, *, is_end: bool = False, zone: tzinfo | None = None, is_query: bool = False
) -> datetime:
    """Parse a day in UTC, a moment in ISO 8601, or seconds since 1970. Raises InvalidTime.

    A day is its first second, or its last one with `is_end`; a moment is then cut to its second, as
    queries include the whole last second. A moment without an offset is in `zone`, if given.
    Seconds that read like a date, such as 2024 or 20240131, are refused but in a query, where all
    numbers are strings.
    """
    text = text.strip()
    try:
        if not is_query and _DATE_WITHOUT_DASHES.fullmatch(text):
            raise InvalidTime(
                f"{text} may be a date or seconds since 1970. Send a day such as 2024-01-31."
            )
        moment = _parse(text, is_end=is_end, zone=zone)
        return min(moment.astimezone(UTC), datetime.fromtimestamp(MAX_SECONDS, UTC))
    except (ValueError, OverflowError) as error:
        if isinstance(error, InvalidTime):
            raise
        raise NoTime(
            "Send a day such as 2024-01-31, a time with its offset such as 2024-01-31T10:30:00Z, "
            "or seconds since 1970."
        ) from None


def _parse(text: str, *, is_end: bool, zone: tzinfo | None) -> datetime:
    if match := _EPOCH.fullmatch(text):
        if int(match[1]) > MAX_SECONDS:
            raise ValueError
        return datetime.fromtimestamp(int(match[1]), UTC)
    if _DAY.fullmatch(text):
        return datetime.combine(date.fromisoformat(text), LAST_SECOND if is_end else time(), UTC)
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise ValueError
    day, clock, utc, sign, hours, minutes = match.groups()
    offset = "+00:00" if utc else f"{'-' if sign == '-' else '+'}{hours}:{minutes or '00'}"
    moment = datetime.fromisoformat(f"{day}T{clock}{offset if utc or sign else ''}")
    if moment.tzinfo is None:
        if zone is None:
            raise InvalidTime(f"This time needs an offset: {day}T{clock}Z in UTC.")
        moment = moment.replace(tzinfo=zone)
    return moment.replace(microsecond=0) if is_end else moment
