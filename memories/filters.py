from __future__ import annotations

from datetime import datetime
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import F, OuterRef, Subquery
from django.db.models.expressions import OrderBy
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.subjects import USER_ID_HELP
from core.api.fields import PAST_SCHEMA, TIME_SCHEMA, PastField
from core.api.filters import (
    ChoiceFilter,
    FlagFilter,
    NonEmptyField,
    SortDirectionFilter,
    leave_unfiltered,
)
from core.iso_time import InvalidTime, parse_time

from .limits import MAX_NAME
from .metadata_filter.api_field import METADATA_FILTER_HELP, parse_metadata_filter
from .models import Categorization, Memory
from .models.memory import MemoryQuerySet
from .own_keys import InvalidAddress, parse_namespace

# Not a minimum: the past could not be grouped by it, as the rows of a view have no primary key.
FIRST_CATEGORY = (
    Categorization.objects.filter(memory=OuterRef("pk"))
    .order_by("category__name")
    .values("category__name")[:1]
)

SORT_COLUMNS: dict[str, F | Subquery] = {
    "memory": F("content"),
    "categories": Subquery(FIRST_CATEGORY),
    "app_name": F("app__name"),
    "created_at": F("created_at"),
}


INCLUDE_EXPIRED_HELP = (
    "Also show expired memories, until they are purged. Not to apps: 403 with a key that is bound "
    "to one, or where the request names one."
)


AS_OF_HELP = (
    "Answer what was known at this time, for any time since the log began: in seconds since 1970, "
    "or in ISO 8601 with its offset. Memories that were purged since are missing: `erased_since` "
    "is their number. What apps may read is decided by the rules of now."
)


NAMESPACE_HELP = (
    "Memories whose own key is in this namespace, or in one below it: `users.ann` is also for "
    "`users.ann.notes`."
)


class UUIDFormField(NonEmptyField, forms.UUIDField):
    pass


class TimeFormField(NonEmptyField):
    def __init__(self, *, is_end: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.is_end = is_end

    def clean(self, value: Any) -> Any:
        value = super().clean(value)
        try:
            return value and parse_time(value, is_end=self.is_end, is_query=True)
        except InvalidTime as error:
            raise ValidationError(str(error), code="invalid") from None


class UUIDFilter(django_filters.UUIDFilter):
    field_class = UUIDFormField


@extend_schema_field(TIME_SCHEMA)
class TimeFilter(django_filters.Filter):
    """Seconds since 1970, or a day or moment in ISO 8601."""

    field_class = TimeFormField


class PastFormField(NonEmptyField):
    def clean(self, value: Any) -> Any:
        value = super().clean(value)
        return value and parse_past(value)


@extend_schema_field(PAST_SCHEMA)
class PastFilter(django_filters.Filter):
    """A moment since the log began."""

    field_class = PastFormField


def parse_past(value: Any) -> datetime | None:
    """Parse a moment that has passed, if any. Raises Django's ValidationError."""
    try:
        moment: datetime | None = PastField(allow_null=True).run_validation(value)
    except serializers.ValidationError as error:
        [detail] = list(error.detail)
        raise ValidationError(str(detail), code=str(getattr(detail, "code", "invalid"))) from None
    return moment


class NamespaceFormField(NonEmptyField):
    def clean(self, value: Any) -> Any:
        value = super().clean(value)
        try:
            return value and parse_namespace(value)
        except InvalidAddress as error:
            raise ValidationError(str(error.detail), code=error.code) from None


@extend_schema_field({"type": "string"})
class NamespaceFilter(django_filters.Filter):
    """A namespace of keys, or its beginning."""

    field_class = NamespaceFormField


@extend_schema_field({"type": "string", "contentMediaType": "application/json"})
class JSONFilter(django_filters.Filter):
    """JSON, which its method parses: a fault has its own place in the value."""

    field_class = NonEmptyField


class MemoryFilterSet(django_filters.FilterSet):
    """Filters and sorts a list of memories. Ties are broken by id, so the order is total."""

    class Meta:
        model = Memory
        fields: list[str] = []

    user_id = django_filters.CharFilter(method=leave_unfiltered, help_text=USER_ID_HELP)
    app_id = UUIDFilter(help_text="Memories of this app.")
    from_date = TimeFilter(
        method="_created_from",
        help_text="Memories from this time on, in seconds since 1970 or in ISO 8601.",
    )
    to_date = TimeFilter(
        method="_created_until",
        is_end=True,
        help_text="Memories up to this time, or the end of this day.",
    )
    categories = django_filters.CharFilter(
        method="_in_categories",
        help_text="Memories in any of these categories: names separated by commas.",
    )
    actor = django_filters.CharFilter(
        method="_said_by",
        max_length=MAX_NAME,
        help_text="Memories of this actor, ignoring case.",
    )
    conversation = django_filters.CharFilter(
        max_length=MAX_NAME, help_text="Memories from this conversation.", strip=False
    )
    namespace = NamespaceFilter(method="_in_namespace", help_text=NAMESPACE_HELP)
    search_query = django_filters.CharFilter(
        method="_containing",
        help_text="Memories whose content contains this, ignoring case and accents.",
        strip=False,
    )
    metadata = JSONFilter(method="_with_metadata", help_text=f"As JSON. {METADATA_FILTER_HELP}")
    include_expired = FlagFilter(method=leave_unfiltered, help_text=INCLUDE_EXPIRED_HELP)
    as_of = PastFilter(method=leave_unfiltered, help_text=AS_OF_HELP)
    sort_column = ChoiceFilter(
        method=leave_unfiltered,
        choices=[(name, name) for name in SORT_COLUMNS],
        help_text="The column to sort by; newest first by default.",
    )
    sort_direction = SortDirectionFilter(
        help_text="`asc` by default.",
    )

    def filter_queryset(self, queryset: MemoryQuerySet) -> MemoryQuerySet:
        memories = super().filter_queryset(queryset)
        column = self.form.cleaned_data.get("sort_column")
        direction = self.form.cleaned_data.get("sort_direction")
        return sort_memories(memories, column=column or None, direction=direction or None)

    def _created_from(self, memories: MemoryQuerySet, name: str, value: datetime) -> MemoryQuerySet:
        return memories.created_between(value, None)

    def _created_until(
        self, memories: MemoryQuerySet, name: str, value: datetime
    ) -> MemoryQuerySet:
        return memories.created_between(None, value)

    def _containing(self, memories: MemoryQuerySet, name: str, value: str) -> MemoryQuerySet:
        return memories.containing(value)

    def _said_by(self, memories: MemoryQuerySet, name: str, value: str) -> MemoryQuerySet:
        return memories.said_by([value])

    def _in_namespace(self, memories: MemoryQuerySet, name: str, value: str) -> MemoryQuerySet:
        return memories.in_namespace(value)

    def _in_categories(self, memories: MemoryQuerySet, name: str, value: str) -> MemoryQuerySet:
        names = [part.strip() for part in value.split(",")]
        return memories.in_categories([part for part in names if part])

    def _with_metadata(self, memories: MemoryQuerySet, name: str, value: str) -> MemoryQuerySet:
        return memories.filter(parse_metadata_filter(value, name=name).condition())


def sort_memories(
    memories: MemoryQuerySet, *, column: str | None, direction: str | None
) -> MemoryQuerySet:
    """Sort by one of SORT_COLUMNS, ascending by default; newest first without a column."""
    if column is None:
        ascending = direction == "asc"
        return memories.order_by("created_at" if ascending else "-created_at", "id")
    memories = memories.alias(by=SORT_COLUMNS[column])
    descending = direction == "desc"
    return memories.order_by(OrderBy(F("by"), descending=descending, nulls_last=True), "id")
