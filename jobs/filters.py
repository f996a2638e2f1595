from __future__ import annotations

import django_filters
from django.db.models import F, Q
from django.db.models.expressions import OrderBy
from rest_framework.exceptions import ErrorDetail, ValidationError

from accounts.subjects import USER_ID_HELP
from core.api.filters import ChoiceFilter, SortDirectionFilter, leave_unfiltered
from core.api.unknown_fields import explain_unknown

from . import registry
from .models import Job, State
from .models.job import JobQuerySet


class JobFilter(django_filters.FilterSet):
    """The filters and the order of a list of jobs. Ties are broken by id."""

    class Meta:
        model = Job
        fields: list[str] = []

    user_id = django_filters.CharFilter(method=leave_unfiltered, help_text=USER_ID_HELP)
    kind = django_filters.CharFilter(
        method="_of_kind",
        strip=False,
        help_text="Only jobs of this type, such as `export`. By default, jobs of type `embed_new`, "
        "of which each new memory may have one, are listed only if they failed.",
    )
    state = ChoiceFilter(choices=State.choices, help_text="Only jobs in this state.")
    sort_by = ChoiceFilter(
        method=leave_unfiltered,
        choices=[("created_at", "created_at")],
        help_text="The field to sort by: `created_at`.",
    )
    sort_direction = SortDirectionFilter(
        help_text="The default is `desc`.",
    )

    def _of_kind(self, jobs: JobQuerySet, name: str, value: str) -> JobQuerySet:
        matching = jobs.filter(kind=value)
        # Types of earlier versions of the server are known by their jobs.
        if value not in registry.names() and not matching.exists():
            detail = explain_unknown(value, registry.names())
            raise ValidationError({name: [ErrorDetail(detail, "invalid_choice")]})
        return matching

    def filter_queryset(self, queryset: JobQuerySet) -> JobQuerySet:
        jobs: JobQuerySet = super().filter_queryset(queryset)
        if not self.form.cleaned_data.get("kind"):
            jobs = jobs.filter(~Q(kind__in=registry.hidden_names()) | Q(state=State.FAILED))
        descending = self.form.cleaned_data.get("sort_direction") != "asc"
        return jobs.order_by(OrderBy(F("created_at"), descending=descending), "id")
