from __future__ import annotations

import django_filters
from django.db.models import F
from django.db.models.expressions import OrderBy

from accounts.subjects import USER_ID_HELP
from core.api.filters import ChoiceFilter, FlagFilter, SortDirectionFilter, leave_unfiltered

from .models import App
from .models.app import AppQuerySet

COLUMNS = {
    "name": "name",
    "memories": "total_memories_created",
    "memories_accessed": "total_memories_accessed",
}


class AppFilter(django_filters.FilterSet):
    """Filters and ordering of the list of apps. Ties are broken by id, so the order is stable."""

    class Meta:
        model = App
        fields: list[str] = []

    user_id = django_filters.CharFilter(method=leave_unfiltered, help_text=USER_ID_HELP)
    name = django_filters.CharFilter(
        lookup_expr="icontains",
        strip=False,
        help_text="Apps whose name contains this, ignoring case.",
    )
    is_active = FlagFilter(
        method="_filter_active",
        help_text="`true` for active apps, `false` for paused ones.",
    )
    sort_by = ChoiceFilter(
        method=leave_unfiltered,
        choices=[(name, name) for name in COLUMNS],
        help_text="The field to sort by. Defaults to `name`.",
    )
    sort_direction = SortDirectionFilter(
        help_text="Defaults to `asc`.",
    )

    def filter_queryset(self, queryset: AppQuerySet) -> AppQuerySet:
        apps: AppQuerySet = super().filter_queryset(queryset)
        column = COLUMNS[self.form.cleaned_data.get("sort_by") or "name"]
        descending = self.form.cleaned_data.get("sort_direction") == "desc"
        return apps.order_by(OrderBy(F(column), descending=descending), "id")

    def _filter_active(self, apps: AppQuerySet, name: str, value: str) -> AppQuerySet:
        return apps.filter(is_active=value == "true")
