from __future__ import annotations

import django_filters
from django.db.models import F
from django.db.models.expressions import OrderBy

from accounts.subjects import USER_ID_HELP
from core.api.filters import ChoiceFilter, SortDirectionFilter, leave_unfiltered

from .models import App
from .models.app import AppQuerySet

COLUMNS = {
    "name": "name",
    "memories": "total_memories_created",
    "memories_accessed": "total_memories_accessed",
}


class AppFilter(django_filters.FilterSet):
    """The filters and sorts of a list of apps. Its order is total: ties are broken by id."""

    class Meta:
        model = App
        fields: list[str] = []

    user_id = django_filters.CharFilter(method=leave_unfiltered, help_text=USER_ID_HELP)
    name = django_filters.CharFilter(
        lookup_expr="icontains", strip=False, help_text="Whose name contains this, in any case."
    )
    is_active = ChoiceFilter(
        method="_active",
        choices=[("true", "true"), ("false", "false")],
        help_text="Active ones, or paused ones.",
    )
    sort_by = ChoiceFilter(
        method=leave_unfiltered,
        choices=[(name, name) for name in COLUMNS],
        help_text="Sort by this; by default by name.",
    )
    sort_direction = SortDirectionFilter(
        help_text="`asc` unless `desc` is asked for.",
    )

    def filter_queryset(self, queryset: AppQuerySet) -> AppQuerySet:
        apps: AppQuerySet = super().filter_queryset(queryset)
        column = COLUMNS[self.form.cleaned_data.get("sort_by") or "name"]
        descending = self.form.cleaned_data.get("sort_direction") == "desc"
        return apps.order_by(OrderBy(F(column), descending=descending), "id")

    def _active(self, apps: AppQuerySet, name: str, value: str) -> AppQuerySet:
        return apps.filter(is_active=value == "true")
