"""The figures as they stand on the page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.timesince import timesince

from core.admin.statement_timeout import TooSlow
from core.observability.search_stats import SearchCounts, merge

from .alerts import attention
from .figures import Figures, figures
from .table_sample import DAYS

# Of the figures that say what is remembered, and how much of it.
PERMISSION = "memories.view_memory"

HOUR = 3600
TONES = {"active": "good", "paused": "waiting", "archived": "quiet", "deleted": "gone"}


@dataclass(frozen=True)
class Card:
    title: str
    value: str
    detail: str
    icon: str


@dataclass(frozen=True)
class Bar:
    name: str
    number: str
    percent: float  # of the longest
    tone: str = ""


@dataclass(frozen=True)
class Chart:
    title: str
    says: str  # what it shows, for those who do not see it
    data: str


def dashboard_callback(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Fill the context of the admin's index: called by Unfold, see settings/admin.py."""
    context = {**context, "version": settings.VERSION}
    if not request.user.has_perm(PERMISSION):
        return context
    try:
        known = figures()
    except TooSlow as error:
        return {**context, "too_slow": error.detail}
    return {
        **context,
        "figures": known,
        "attention": attention(known),
        "cards": _cards(known),
        "charts": _charts(known),
        "bars": _all_bars(known),
        "facts": _facts(known),
    }


def told(number: int, *, exact: bool = True) -> str:
    """A number as people read it; an estimate to three digits."""
    if exact or number < 1000:
        return f"{number:,}" if type(number) is int else str(number)
    return f"≈ {round(number, 3 - len(str(number))):,}"


def _cards(known: Figures) -> list[Card]:
    states = known.memories.of("state")
    kept = sum(number for state, number in states.items() if state != "deleted")
    today = known.memories.of("day").get(known.at.astimezone(UTC).date().isoformat(), 0)
    exact = known.memories.exact
    jobs = known.jobs
    return [
        Card(
            "Memories",
            told(kept, exact=exact),
            f"{told(today, exact=exact)} today, {told(known.users)} users",
            "psychology",
        ),
        _searches_card(known.searches),
        Card(
            "Jobs",
            f"{told(jobs.running)} running",
            f"{told(jobs.waiting)} waiting, {told(jobs.failed)} failed in 24 hours",
            "work_history",
        ),
        Card(
            "Found by meaning",
            f"{'' if known.covered_exactly else '≈ '}{_percent(known.covered)}",
            f"of all memories, with {known.space}",
            "scatter_plot",
        ),
    ]


def _percent(share: float) -> str:
    """Rounded down, so that 100 % is all of them."""
    return f"{int(share * 1000) / 10:g} %"


def _searches_card(searches: Sequence[SearchCounts] | None) -> Card:
    if searches is None:
        return Card("Searches in 24 hours", "unknown", "The cache does not answer.", "search")
    day = merge(searches, start=0)
    half, most = day.quantile(0.5), day.quantile(0.95)
    detail = "none yet"
    if half is not None and most is not None:
        detail = f"half within {half * 1000:.0f} ms, 95 % within {most * 1000:.0f} ms"
    return Card("Searches in 24 hours", told(day.count), detail, "search")


def _charts(known: Figures) -> list[Chart]:
    by_day = known.memories.of("day")
    today = known.at.astimezone(UTC).date()
    days = [today - timedelta(days=before) for before in reversed(range(DAYS))]
    numbers = [by_day.get(day.isoformat(), 0) for day in days]
    charts = [
        Chart(
            f"Memories by day, {DAYS} days",
            f"{told(sum(numbers), exact=known.memories.exact)} memories in {DAYS} days, "
            f"{told(max(numbers), exact=known.memories.exact)} on the fullest of them.",
            _data([f"{day:%b} {day.day}" for day in days], {"memories": numbers}),
        )
    ]
    return charts + (_search_charts(known.searches) if known.searches else [])


def _search_charts(searches: Sequence[SearchCounts]) -> list[Chart]:
    hours = _by_hour(searches)
    labels = [f"{datetime.fromtimestamp(hour.start, UTC):%H:%M}" for hour in hours]
    counts = [hour.count for hour in hours]
    half = [_milliseconds(hour.quantile(0.5)) for hour in hours]
    most = [_milliseconds(hour.quantile(0.95)) for hour in hours]
    slowest = max((value for value in most if value is not None), default=0)
    return [
        Chart(
            "Searches by hour, UTC",
            f"{sum(counts)} searches in 24 hours, {max(counts)} in the busiest hour.",
            _data(labels, {"searches": counts}),
        ),
        Chart(
            "How long searches take, ms",
            f"95 of 100 took at most {slowest} ms in the slowest hour.",
            _data(labels, {"half within": half, "95 % within": most}),
        ),
    ]


def _by_hour(searches: Sequence[SearchCounts]) -> list[SearchCounts]:
    hours: dict[int, list[SearchCounts]] = {}
    for window in searches:
        hours.setdefault(window.start // HOUR * HOUR, []).append(window)
    return [merge(windows, start=start) for start, windows in sorted(hours.items())]


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)


def _data(labels: Sequence[str], series: Mapping[str, Sequence[Any]]) -> str:
    """What Chart.js draws, with the names by which Unfold's script knows colours and axes."""
    colours = ["var(--color-primary-500)", "var(--chart-second)"]
    datasets = [
        {
            "label": name,
            "data": list(values),
            "backgroundColor": colour,
            "borderColor": colour,
            "displayYAxis": True,
            "maxTicksXLimit": 8,
            "maxBarThickness": 14,
            "borderRadius": 3,
        }
        for (name, values), colour in zip(series.items(), colours, strict=False)
    ]
    return json.dumps({"labels": list(labels), "datasets": datasets})


def _all_bars(known: Figures) -> dict[str, list[Bar]]:
    return {
        title: _bars(known.memories.of(what), exact=known.memories.exact)
        for title, what in (("By state", "state"), ("By app", "app"), ("By category", "category"))
    }


def _bars(numbers: Mapping[str, int], *, exact: bool) -> list[Bar]:
    most = max(numbers.values(), default=0)
    ranked = sorted(numbers.items(), key=lambda item: (-item[1], item[0]))
    return [
        Bar(name, told(number, exact=exact), 100 * number / most, TONES.get(name, ""))
        for name, number in ranked
        if most
    ]


def _facts(known: Figures) -> list[tuple[str, str, str]]:
    """What is so, how it is, and whether that is good, bad, or neither."""
    models = [
        (model.role, model.says, "bad" if model.down or model.problem else "good")
        for model in known.models
    ]
    backup = "none yet" if settings.BACKUP_FOLDER else "not made from time to time"
    if known.backed_up:
        backup = f"{timesince(known.backed_up, known.at)} old"
    return [
        *models,
        ("Database", filesizeformat(known.database_bytes), ""),
        ("Indexes in it", filesizeformat(known.index_bytes), ""),
        ("Newest backup", backup, ""),
        ("Version", settings.VERSION, ""),
    ]
