"""Days, weeks, months, seasons and years around a moment, in its time zone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

DAY = timedelta(days=1)
FIRST_YEAR, LAST_YEAR = 1900, 2200


class Period(NamedTuple):
    """From `start` to before `end`."""

    start: datetime
    end: datetime

    def joined(self, other: Period) -> Period:
        return Period(min(self.start, other.start), max(self.end, other.end))


def day_of(now: datetime, days: int = 0) -> Period:
    """The day so many days later; earlier if negative."""
    start = midnight(now) + days * DAY
    return Period(start, start + DAY)


def week_of(now: datetime, weeks: int = 0) -> Period:
    start = midnight(now) + (7 * weeks - now.weekday()) * DAY
    return Period(start, start + 7 * DAY)


def weekend_of(now: datetime, weeks: int = 0) -> Period:
    monday = week_of(now, weeks).start
    return Period(monday + 5 * DAY, monday + 7 * DAY)


def month_of(now: datetime, months: int = 0) -> Period:
    return month(now, *_shifted(now, months))


def month(now: datetime, year: int, number: int) -> Period:
    """The month of this number, from 1, in a year."""
    end_year, end_number = (year + 1, 1) if number == 12 else (year, number + 1)
    return Period(_date(now, year, number), _date(now, end_year, end_number))


def year_of(now: datetime, years: int = 0) -> Period:
    return year(now, now.year + years)


def year(now: datetime, number: int) -> Period:
    return Period(_date(now, number), _date(now, number + 1))


def date(now: datetime, year: int, month: int, day: int) -> Period:
    """Raises ValueError for a day that there is not."""
    return day_of(_date(now, year, month, day))


def last_month_of_number(now: datetime, number: int) -> Period:
    """The latest month of this number that has begun."""
    return month(now, now.year - (number > now.month), number)


def last_date(now: datetime, month: int, day: int) -> Period:
    """The latest such day that has begun. Raises ValueError."""
    has_begun = (month, day) <= (now.month, now.day)
    return date(now, now.year if has_begun else now.year - 1, month, day)


def season(now: datetime, first_month: int, year: int | None = None) -> Period:
    """The three months from this one on: of a year, or the latest that has begun."""
    start = last_month_of_number(now, first_month) if year is None else None
    first_year = start.start.year if start else (year or now.year)
    begin = month(now, first_year, first_month).start
    end_year, end_month = _plus(first_year, first_month, 2)
    return Period(begin, month(now, end_year, end_month).end)


def weekday(now: datetime, number: int, *, is_past: bool) -> Period:
    """The latest day of the week of this number, from 0: today if it is, unless `is_past`."""
    days = (now.weekday() - number) % 7
    return day_of(now, -(days or (7 if is_past else 0)))


def ago(now: datetime, number: int, unit: str) -> Period:
    """What "so many units ago" may mean: a calendar unit, or half of one around the moment."""
    if unit == "hour":
        half = timedelta(minutes=30 if number < 6 else 60)
        return Period(now - timedelta(hours=number) - half, now - timedelta(hours=number) + half)
    if unit == "day":
        return day_of(now, -number)
    if unit == "week":
        around = Period(day_of(now, -7 * number - 3).start, day_of(now, -7 * number + 3).end)
        return week_of(now, -number).joined(around)
    if unit == "month":
        return month_of(now, -number).joined(_around(now, number * 30, 15))
    return year_of(now, -number).joined(_around(now, number * 365, 182))


def past(now: datetime, number: int, unit: str) -> Period:
    """The last so many units until now."""
    days = {"hour": 0, "day": 1, "week": 7, "month": 30.5, "year": 365.25}[unit] * number
    begin = now - timedelta(days=days, hours=number if unit == "hour" else 0)
    return Period(begin if unit == "hour" else midnight(begin), now)


def this(now: datetime, unit: str, number: int = 0) -> Period:
    """The unit of now, or one so many before or after it."""
    periods = {
        "day": day_of, "week": week_of, "weekend": weekend_of, "month": month_of, "year": year_of
    }  # fmt: skip
    return periods[unit](now, number)


def midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _around(now: datetime, days: int, half: int) -> Period:
    return Period(day_of(now, -days - half).start, day_of(now, -days + half).end)


def _shifted(now: datetime, months: int) -> tuple[int, int]:
    return _plus(now.year, now.month, months)


def _plus(year: int, month: int, months: int) -> tuple[int, int]:
    count = 12 * year + month - 1 + months
    return count // 12, count % 12 + 1


def _date(now: datetime, year: int, month: int = 1, day: int = 1) -> datetime:
    """Raises ValueError for a day that there is not, or that is too far away."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(year)
    return midnight(now).replace(year=year, month=month, day=day)
