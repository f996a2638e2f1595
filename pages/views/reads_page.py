"""What was read: which app looked at which memories when, as a person reads it."""

from __future__ import annotations

import uuid
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Count
from django.db.models.functions import TruncDate
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps_registry.models import App
from memories.models import Access
from pages.page_view import PageView

SPANS = (7, 30, 90)
DEFAULT_SPAN = 30
LATEST = 50
MAX_APPS = 200
# The units of the chart.
WIDTH, HEIGHT = 720, 120

KINDS: dict[str, str | Promise] = {
    "search": _("found by a search"),
    "context": _("shown around what a search found"),
    "prompt": _("put into a prompt"),
    "list": _("listed"),
    "get": _("opened"),
    "related": _("shown as related"),
    "resource": _("opened as a resource"),
    "admin": _("opened by an operator"),
}


@dataclass(frozen=True)
class Bar:
    day: date
    count: int
    x: float
    y: float
    width: float
    height: float


class ReadsView(PageView):
    section = "reads"

    def get(self, request: HttpRequest) -> HttpResponse:
        apps = {
            app.pk: app for app in App.objects.owned_by(self.subject).order_by("name")[:MAX_APPS]
        }
        chosen = {str(pk): app for pk, app in apps.items()}.get(request.GET.get("app", ""))
        days = _parse_span(request.GET.get("days", ""))
        today = timezone.localdate()
        first = today - timedelta(days=days - 1)
        parts = self._accesses([chosen] if chosen else list(apps.values()), first, chosen)
        by_day = _count_by_day(parts, apps)
        totals = {day: sum(count for _app, count, _times in rows) for day, rows in by_day.items()}
        context: dict[str, Any] = {
            "apps": list(apps.values()),
            "chosen": chosen,
            "span": days,
            "spans": SPANS,
            "bars": _draw(totals, first, days),
            "days": sorted(by_day.items(), reverse=True),
            "today": today,
            "yesterday": today - timedelta(days=1),
            "highest": max(totals.values(), default=0),
            "latest": describe_accesses(*parts, number=LATEST),
        }
        return self.render("pages/reads.html", context)

    def _accesses(self, apps: list[App], first: date, chosen: App | None) -> list[Any]:
        """Those of the apps, and what was read without one: by the person, or by an operator.

        Apart, so that the index of each answers: an app reads its owner's memories alone.
        """
        since = datetime.combine(first, time(), timezone.get_current_timezone())
        accesses = Access.objects.filter(accessed_at__gte=since)
        without = accesses.filter(app=None, memory__user=self.subject)
        by_apps = accesses.filter(app__in=apps)
        return [by_apps] if chosen else [by_apps, without]


def describe_accesses(*parts: Any, number: int) -> list[tuple[Access, str | Promise]]:
    """The latest accesses of all parts, each with its kind in words."""
    newest = ("-accessed_at", "-id")
    # First their ids: to join the memories of all of them would take longer.
    found = [part.order_by(*newest).values_list("pk", flat=True)[:number] for part in parts]
    accesses = Access.objects.filter(pk__in=[pk for ids in found for pk in ids])
    latest = accesses.select_related("app", "memory").order_by(*newest)[:number]
    return [(access, KINDS.get(access.access_type, access.access_type)) for access in latest]


def _count_by_day(
    parts: list[Any], apps: dict[uuid.UUID, App]
) -> dict[date, list[tuple[App | None, int, int]]]:
    """For each day, the apps with how many different memories each looked at, and how often."""
    by_day = defaultdict(list)
    for part in parts:
        days = part.order_by().annotate(day=TruncDate("accessed_at")).values("day", "app")
        # Not the key of the row, which the index of the apps lacks.
        rows = days.annotate(count=Count("memory", distinct=True), times=Count("memory"))
        for row in rows.order_by("day", "-count", "app"):
            by_day[row["day"]].append((apps.get(row["app"]), row["count"], row["times"]))
    return dict(by_day)


def _draw(totals: dict[date, int], first: date, days: int) -> list[Bar]:
    highest = max(totals.values(), default=0) or 1
    step = WIDTH / days
    bars = []
    for number in range(days):
        day = first + timedelta(days=number)
        count = totals.get(day, 0)
        height = round(max(HEIGHT * count / highest, 2 if count else 0), 1)
        bars.append(
            Bar(day, count, round(number * step, 1), HEIGHT - height, round(step * 0.8, 1), height)
        )
    return bars


def _parse_span(text: str) -> int:
    return int(text) if text in map(str, SPANS) else DEFAULT_SPAN
