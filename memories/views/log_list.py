from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.db.models import Case, F, QuerySet, When
from rest_framework import mixins
from rest_framework.exceptions import PermissionDenied

from accounts.subjects import USER_ID_HELP
from core.api.filters import ChoiceFilter, NonEmptyField, leave_unfiltered
from memories.filters import UUIDFilter
from memories.models import LogLine
from memories.serializers.shown_line import LogLineSerializer

from .scope import MemoriesOfOneUser


class SequenceFormField(NonEmptyField, forms.IntegerField):
    default_error_messages = {"invalid": "Send a whole number."}


class SequenceFilter(django_filters.NumberFilter):
    field_class = SequenceFormField


class LogFilterSet(django_filters.FilterSet):
    class Meta:
        model = LogLine
        fields: list[str] = []

    user_id = django_filters.CharFilter(method=leave_unfiltered, help_text=USER_ID_HELP)
    after = SequenceFilter(
        field_name="sequence",
        lookup_expr="gt",
        min_value=0,
        max_value=2**63 - 1,
        help_text="Lines after the one with this sequence.",
    )
    kind = ChoiceFilter(choices=LogLine.Kind.choices, help_text="Changes of this kind.")
    memory_id = UUIDFilter(help_text="Changes of this memory.")
    run = UUIDFilter(help_text="Changes of this run of inference, or of this import.")


class LogViewSet(mixins.ListModelMixin, MemoriesOfOneUser):
    """The log of a user.

    list: List the changes of memories, the oldest first.

    Each line has the hash of the one before, so that nobody can change or remove one unnoticed:
    `manage.py verify_log` proves it. A key that is bound to an app cannot read it: the sequence
    counts the changes of memories that the app may not know of.
    """

    serializer_class = LogLineSerializer
    filterset_class = LogFilterSet
    default_page_size = 50

    def get_queryset(self) -> QuerySet[Any]:  # type: ignore[override]  # lines, not memories
        if self.reader.app:
            raise PermissionDenied("A key that is bound to an app cannot read the log.")
        lines = LogLine.objects.of_user(self.subject).order_by("sequence").defer("snapshot")
        lines = lines.annotate(note=Case(When(memory_id=None, then=F("snapshot"))))
        return lines.select_related("by", "key", "app")
