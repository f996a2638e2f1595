"""The filters of the list of memories. Each uses an index, or needs a user or an app."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar

from django.contrib.admin import SimpleListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q
from django.http import HttpRequest, QueryDict
from django.utils import timezone
from unfold.contrib.filters.admin import DropdownFilter, RangeDateFilter, TextFilter
from unfold.contrib.filters.forms import AutocompleteDropdownForm
from unfold.utils import parse_date_str

from apps_registry.models import App
from core.iso_time import InvalidTime, parse_time
from memories.models import Memory, State
from memories.models.memory import MemoryQuerySet


class ObjectFilter(SimpleListFilter):
    """Choose an object with a search, for what is not a plain column of the memory."""

    template = "unfold/filters/filters_field.html"
    form_class = AutocompleteDropdownForm
    field: ClassVar[str]  # of the memory; the admin page of its model does the search

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        self.request, self.model_admin = request, model_admin
        super().__init__(request, params, model, model_admin)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[Any]:
        return []

    def has_output(self) -> bool:
        return True

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        form = self.form_class(
            request=self.request,
            label=f" By {self.title} ",
            name=self.parameter_name,
            choices=(),
            field=Memory._meta.get_field(self.field),
            model_admin=self.model_admin,
            # Not as data: validation would query it again.
            initial={self.parameter_name: self.value()},
        )
        yield {"form": form}

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        value = self.value()
        if not value:
            return None
        try:
            return self.keep(queryset, uuid.UUID(value))
        except ValueError as error:
            raise IncorrectLookupParameters(error) from error

    def keep(self, memories: MemoryQuerySet, value: uuid.UUID) -> MemoryQuerySet:
        raise NotImplementedError


class UserFilter(ObjectFilter):
    title = "user"
    parameter_name = "user"
    field = "user"

    def keep(self, memories: MemoryQuerySet, value: uuid.UUID) -> MemoryQuerySet:
        return memories.filter(user=value)


class AppFilter(ObjectFilter):
    title = "app"
    parameter_name = "app"
    field = "app"

    def keep(self, memories: MemoryQuerySet, value: uuid.UUID) -> MemoryQuerySet:
        # And its owner, as the ordered indexes begin with the user; as a value instead of a
        # subquery, so that PostgreSQL can estimate the number of rows.
        owner = App.objects.filter(pk=value).values_list("owner", flat=True).first()
        return memories.filter(app=value, user=owner)


class CategoryFilter(ObjectFilter):
    title = "category"
    parameter_name = "category"
    field = "categories"

    def keep(self, memories: MemoryQuerySet, value: uuid.UUID) -> MemoryQuerySet:
        return memories.in_categories_by_id([value])


class UserScopedFilter(TextFilter):
    """An exact name. No index covers all users, so a user or an app must be chosen as well."""

    field: ClassVar[str]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if not self.value():
            return None
        if lacks_scope(request.GET):
            return queryset.none()
        return queryset.filter(**{self.field: self.value()})


class ActorFilter(UserScopedFilter):
    title = "actor (of a user or an app)"
    parameter_name = field = "actor"


class ConversationFilter(UserScopedFilter):
    title = "conversation (of a user or an app)"
    parameter_name = field = "conversation"


def lacks_scope(filters: QueryDict) -> bool:
    """Whether an actor or a conversation is chosen without a user or an app."""
    name = filters.get("actor") or filters.get("conversation")
    return bool(name) and not (filters.get("user") or filters.get("app"))


class SupersededFilter(DropdownFilter):
    title = "superseded"
    parameter_name = "superseded"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Superseded"), ("no", "Not superseded")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() not in ("yes", "no"):
            return None
        return queryset.filter(superseded_by__isnull=self.value() == "no")


class TermsFilter(DropdownFilter):
    title = "expiry and validity"
    parameter_name = "terms"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("expired", "Expired"),
            ("expiring", "Will expire"),
            ("not_yet", "Not yet valid"),
            ("no_longer", "No longer valid"),
            ("immutable", "Immutable"),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        now = timezone.now()
        conditions = {
            "expired": Q(expires_at__lte=now) & ~Q(state=State.DELETED),
            "expiring": Q(expires_at__gt=now),
            "not_yet": Q(valid_from__gt=now),
            "no_longer": Q(valid_until__lte=now),
            "immutable": Q(immutable=True),
        }
        condition = conditions.get(self.value() or "")
        return None if condition is None else queryset.filter(condition)


class DayFilter(RangeDateFilter):
    """A range of days in UTC, both included, or of moments in an address."""

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.created_between(self._time("from"), self._time("to", is_end=True))

    def _time(self, end: str, *, is_end: bool = False) -> datetime | None:
        text = self.used_parameters.get(f"{self.parameter_name}_{end}") or ""
        day = parse_date_str(text)
        try:
            return parse_time(day.isoformat() if day else text, is_end=is_end) if text else None
        except InvalidTime as error:
            raise IncorrectLookupParameters(error) from error
