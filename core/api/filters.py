from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import django_filters
from django import forms
from django.core import exceptions
from django.db.models import QuerySet
from django_filters.fields import ChoiceField
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.views import APIView

from . import pagination
from .fields import name_choices


class NonEmptyField(forms.Field):
    """An optional parameter that must have a value if it is sent."""

    def clean(self, value: Any) -> Any:
        if value == "":
            raise exceptions.ValidationError("Send a value, or leave it out.", code="empty")
        return super().clean(value)


class ChoiceFormField(NonEmptyField, ChoiceField):
    pass


class ChoiceFilter(django_filters.ChoiceFilter):
    """A parameter with a fixed set of values. The error names them all."""

    field_class = ChoiceFormField

    def __init__(self, *, choices: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        message = name_choices([value for value, _ in choices])
        super().__init__(choices=choices, error_messages={"invalid_choice": message}, **kwargs)


# Booleans in a query, as programs and people write them.
BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


class FlagFormField(ChoiceFormField):
    def to_python(self, value: Any) -> str:
        text = str(super().to_python(value))
        flag = BOOLEANS.get(text.lower())
        return text if flag is None else str(flag).lower()


class FlagFilter(ChoiceFilter):
    """`true` or `false`. Clients in Python write `True`, others `1`."""

    field_class = FlagFormField

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=[("true", "true"), ("false", "false")], **kwargs)


class SortDirectionFilter(ChoiceFilter):
    """The direction of the order. The FilterSet applies it together with the column."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            method=leave_unfiltered, choices=[("asc", "asc"), ("desc", "desc")], **kwargs
        )


def leave_unfiltered(queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
    """Filter nothing: the method of a parameter that is validated here and applied elsewhere."""
    return queryset


class FilterBackend(DjangoFilterBackend):
    """The filters that a view declares. Faults of the page parameters are reported with theirs."""

    def filter_queryset(
        self, request: Request, queryset: QuerySet[Any], view: APIView
    ) -> QuerySet[Any]:
        faults: dict[str, Any] = {}
        filtered = queryset
        try:
            pagination.parse_page_request(request.query_params)
        except ValidationError as error:
            faults = _by_field(error)
        try:
            filtered = super().filter_queryset(request, queryset, view)
        except ValidationError as error:
            faults |= _by_field(error)
        if faults:
            raise ValidationError(faults)
        return filtered


def _by_field(error: ValidationError) -> dict[str, Any]:
    return error.detail if isinstance(error.detail, dict) else {"non_field_errors": error.detail}
