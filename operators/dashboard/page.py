"""The template context of the dashboard."""

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
from core.quantities import with_noun

from .alerts import get_alerts
from .figures import Figures, get_figures
from .table_sample import DAYS

# Staff see the figures if they may view all that is counted in them.
PERMISSIONS = (
    "memories.view_memory",
    "memories.view_category",
    "apps_registry.view_app",
    "accounts.view_user",
    "jobs.view_job",
    "configuration.view_configuration",
)

HOUR = 3600
# Of the series of a chart.
COLOURS = ("var(--color-primary-500)", "var(--chart-second)")
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
    summary: str  # for screen readers
    data: str
    series: tuple[tuple[str, str], ...] = ()  # names and colours, where there are several


def dashboard_callback(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Extend the context of the admin's index. Unfold calls this, see settings/admin.py."""
    context = {**context, "version": settings.VERSION}
    if not request.user.has_perms(PERMISSIONS):
        return context
    try:
        figures = get_figures()
    except TooSlow as error:
        return {**context, "too_slow": error.detail}
    return {
        **context,
        "figures": figures,
        "alerts": get_alerts(figures),
        "cards": _cards(figures),
        "charts": _charts(figures),
        "bars": _all_bars(figures),
        "facts": _facts(figures),
    }


def format_number(number: int, *, exact: bool = True) -> str:
    """Format a number for display. Estimates are rounded to three digits."""
    if exact or number < 1000:
        return f"{number:,}" if type(number) is int else str(number)
    return f"≈ {round(number, 3 - len(str(number))):,}"


def _cards(figures: Figures) -> list[Card]:
    states = figures.memories.by("state")
    stored = sum(number for state, number in states.items() if state != "deleted")
    today = figures.memories.by("day").get(figures.taken_at.astimezone(UTC).date().isoformat(), 0)
    exact = figures.memories.exact
    jobs = figures.jobs
    return [
        Card(
            "Memories",
            format_number(stored, exact=exact),
            f"{format_number(today, exact=exact)} today, {with_noun(figures.users, 'user')}",
            "psychology",
        ),
        _searches_card(figures.searches),
        Card(
            "Jobs",
            f"{format_number(jobs.running)} running",
            f"{format_number(jobs.waiting)} waiting, "
            f"{format_number(jobs.failed)} failed in 24 hours",
            "work_history",
        ),
        Card(
            "Embedding coverage",
            _percent(figures.coverage, exact=figures.coverage_is_exact),
            f"of memories have an embedding in {figures.space}",
            "scatter_plot",
        ),
    ]


def _percent(share: float, *, exact: bool) -> str:
    """Rounded down, so that 100 % means all of them."""
    return f"{'' if exact else '≈ '}{int(share * 1000) / 10:g} %"


def _searches_card(searches: Sequence[SearchCounts] | None) -> Card:
    if searches is None:
        return Card("Searches in 24 hours", "unknown", "The cache is unavailable.", "search")
    day = merge(searches, start=0)
    median, p95 = day.quantile(0.5), day.quantile(0.95)
    detail = "none yet"
    if median is not None and p95 is not None:
        detail = f"median {median * 1000:.0f} ms, 95th percentile {p95 * 1000:.0f} ms"
    return Card("Searches in 24 hours", format_number(day.count), detail, "search")


def _charts(figures: Figures) -> list[Chart]:
    by_day = figures.memories.by("day")
    today = figures.taken_at.astimezone(UTC).date()
    days = [today - timedelta(days=before) for before in reversed(range(DAYS))]
    numbers = [by_day.get(day.isoformat(), 0) for day in days]
    exact = figures.memories.exact
    total = format_number(sum(numbers), exact=exact)
    charts = [
        Chart(
            f"Memories per day, last {DAYS} days",
            f"{with_noun(sum(numbers), 'memory', 'memories', shown=total)} in {DAYS} days, "
            f"{format_number(max(numbers), exact=exact)} on the busiest day.",
            _data([f"{day:%b} {day.day}" for day in days], {"memories": numbers}),
        )
    ]
    return charts + (_search_charts(figures.searches) if figures.searches else [])


def _search_charts(searches: Sequence[SearchCounts]) -> list[Chart]:
    hours = _by_hour(searches)
    labels = [f"{datetime.fromtimestamp(hour.start, UTC):%H:%M}" for hour in hours]
    counts = [hour.count for hour in hours]
    median = [_milliseconds(hour.quantile(0.5)) for hour in hours]
    p95 = [_milliseconds(hour.quantile(0.95)) for hour in hours]
    latencies = {"median": median, "95th percentile": p95}
    slowest = max((value for value in p95 if value is not None), default=0)
    return [
        Chart(
            "Searches per hour, UTC",
            f"{with_noun(sum(counts), 'search', 'searches')} in 24 hours, "
            f"{max(counts)} in the busiest hour.",
            _data(labels, {"searches": counts}),
        ),
        Chart(
            "Search latency, ms",
            f"The 95th percentile was {slowest} ms in the slowest hour.",
            _data(labels, latencies),
            series=tuple(zip(latencies, COLOURS, strict=True)),
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
    """The data for Chart.js, with the options that Unfold's script reads."""
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
        for (name, values), colour in zip(series.items(), COLOURS, strict=False)
    ]
    return json.dumps({"labels": list(labels), "datasets": datasets})


def _all_bars(figures: Figures) -> dict[str, list[Bar]]:
    return {
        title: _bars(figures.memories.by(attribute), exact=figures.memories.exact)
        for title, attribute in (
            ("By state", "state"),
            ("By app", "app"),
            ("By category", "category"),
        )
    }


def _bars(numbers: Mapping[str, int], *, exact: bool) -> list[Bar]:
    largest = max(numbers.values(), default=0)
    ranked = sorted(numbers.items(), key=lambda item: (-item[1], item[0]))
    return [
        Bar(name, format_number(number, exact=exact), 100 * number / largest, TONES.get(name, ""))
        for name, number in ranked
        if largest
    ]


def _facts(figures: Figures) -> list[tuple[str, str, str]]:
    """Name, value and tone: good, bad or neither."""
    models = [
        (model.role, model.summary, "bad" if model.down or model.problem else "good")
        for model in figures.models
    ]
    backup = "none yet" if settings.BACKUP_FOLDER else "not scheduled"
    if figures.latest_backup:
        backup = f"{timesince(figures.latest_backup, figures.taken_at)} old"
    return [
        *models,
        ("Database", filesizeformat(figures.database_bytes), ""),
        ("Indexes", filesizeformat(figures.index_bytes), ""),
        ("Latest backup", backup, ""),
        ("Version", settings.VERSION, ""),
    ]
