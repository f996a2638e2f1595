from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import django_filters
from django import forms
from django.db.models import F, Min
from django.db.models.expressions import OrderBy

from accounts.subjects import USER_ID_HELP
from core.api.fields import EpochField
from core.api.filters import ChoiceFilter, NonEmptyField, SortDirectionFilter, leave_unfiltered

from .limits import MAX_NAME
from .models import Memory
from .models.memory import MemoryQuerySet

COLUMNS = {
    "memory": F("content"),
    "categories": Min("categories__name"),
    "app_name": F("app__name"),
    "created_at": F("created_at"),
}


class IdFormField(NonEmptyField, forms.UUIDField):
    pass


class EpochFormField(NonEmptyField, forms.IntegerField):
    pass


class IdFilter(django_filters.UUIDFilter):
    field_class = IdFormField


class EpochFilter(django_filters.Filter):
    """Whole seconds since 1970."""

    field_class = EpochFormField

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=0, max_value=EpochField.MAX_SECONDS, **kwargs)


class ListFilter(django_filters.FilterSet):
    """The filters and sorts of a list of memories. Its order is total: ties are broken by id."""

    class Meta:
        model = Memory
        fields: list[str] = []

    user_id = django_filters.CharFilter(method=leave_unfiltered, help_text=USER_ID_HELP)
    app_id = IdFilter(help_text="Of this app.")
    from_date = EpochFilter(
        method="_from", help_text="Created at this second or later, in seconds since 1970."
    )
    to_date = EpochFilter(
        method="_to", help_text="Created at this second or earlier, in seconds since 1970."
    )
    categories = django_filters.CharFilter(
        method="_in_categories", help_text="In any of these categories: names, with commas between."
    )
    actor = django_filters.CharFilter(
        method="_said_by", max_length=MAX_NAME, help_text="Said by this one, in any case."
    )
    conversation = django_filters.CharFilter(
        max_length=MAX_NAME, help_text="Said in this conversation.", strip=False
    )
    search_query = django_filters.CharFilter(
        field_name="content", lookup_expr="icontains", help_text="Contains this, in any case.",
        strip=False,
    )  # fmt: skip
    sort_column = ChoiceFilter(
        method=leave_unfiltered,
        choices=[(name, name) for name in COLUMNS],
        help_text="Sort by this; by default the newest come first.",
    )
    sort_direction = SortDirectionFilter(
        help_text="`asc` unless `desc` is asked for.",
    )

    def filter_queryset(self, queryset: MemoryQuerySet) -> MemoryQuerySet:
        memories = super().filter_queryset(queryset)
        column = self.form.cleaned_data.get("sort_column")
        direction = self.form.cleaned_data.get("sort_direction")
        return sort(memories, column=column or None, direction=direction or None)

    def _from(self, memories: MemoryQuerySet, name: str, value: int) -> MemoryQuerySet:
        return memories.created_between(datetime.fromtimestamp(value, UTC), None)

    def _to(self, memories: MemoryQuerySet, name: str, value: int) -> MemoryQuerySet:
        return memories.created_between(None, datetime.fromtimestamp(value, UTC))

    def _said_by(self, memories: MemoryQuerySet, name: str, value: str) -> MemoryQuerySet:
        return memories.said_by([value])

    def _in_categories(self, memories: MemoryQuerySet, name: str, value: str) -> MemoryQuerySet:
        names = [part.strip() for part in value.split(",")]
        return memories.in_categories([part for part in names if part])


def sort(memories: MemoryQuerySet, *, column: str | None, direction: str | None) -> MemoryQuerySet:
    """Sort by one of COLUMNS, ascending unless told otherwise; without one, newest first."""
    if column is None:
        ascending = direction == "asc"
        return memories.order_by("created_at" if ascending else "-created_at", "id")
    memories = memories.alias(by=COLUMNS[column])
    descending = direction == "desc"
    return memories.order_by(OrderBy(F("by"), descending=descending, nulls_last=True), "id")
