"""Read the times that a language model gives with a fact."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from core.iso_time import InvalidTime, parse_time
from memories.models import Terms

_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)

# Of each, whether a day stands for its end: something is true until Friday, Friday included.
TIMES = {"valid_from": False, "valid_until": True, "expires_at": True}


def read_times(item: Mapping[str, Any]) -> tuple[Terms, int]:
    """The terms of a fact, and how many of its times had to be left out.

    Those are no times, or end what has not begun.
    """
    left_out = 0
    times: dict[str, Any] = {}
    for name, is_end in TIMES.items():
        text = (item.get(name) or "").strip()
        time = _parse(text, is_end=is_end)
        if time is not None:
            times[name] = time
        elif text:
            left_out += 1
    begin, end = times.get("valid_from"), times.get("valid_until")
    if begin and end and end <= begin:
        del times["valid_from"], times["valid_until"]
        left_out += 2
    return replace(Terms(), **times), left_out


def _parse(text: str, *, is_end: bool) -> datetime | None:
    match = _DATE.fullmatch(text)
    try:
        if match is None:
            time = parse_time(text, zone=UTC).replace(microsecond=0)
        else:
            year, month, day = match.groups()
            time = datetime(int(year), int(month or 1), int(day or 1), tzinfo=UTC)
            time = _next(time, has_month=bool(month), has_day=bool(day)) if is_end else time
    except (InvalidTime, ValueError, OverflowError):
        return None
    return time if 1970 <= time.year < 9999 else None


def _next(time: datetime, *, has_month: bool, has_day: bool) -> datetime:
    """The first moment after a day, a month or a year."""
    if has_day:
        return time + timedelta(days=1)
    if has_month:
        return (time + timedelta(days=31)).replace(day=1)
    return time.replace(year=time.year + 1)
