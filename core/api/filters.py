from __future__ import annotations

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


class NonEmptyField(forms.Field):
    """A parameter that may be left out, but not sent without a value."""

    def clean(self, value: Any) -> Any:
        if value == "":
            raise exceptions.ValidationError("Send a value, or leave it out.", code="empty")
        return super().clean(value)


class ChoiceFormField(NonEmptyField, ChoiceField):
    pass


class ChoiceFilter(django_filters.ChoiceFilter):
    """One of a few words."""

    field_class = ChoiceFormField


class SortDirectionFilter(ChoiceFilter):
    """Which way a list is sorted: for the FilterSet to read once it knows by what."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            method=leave_unfiltered, choices=[("asc", "asc"), ("desc", "desc")], **kwargs
        )


def leave_unfiltered(queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
    """The method of a parameter that filters nothing, but is documented and checked as others."""
    return queryset


class FilterBackend(DjangoFilterBackend):
    """The filters that a view declares. What is wrong with the page is told along with them."""

    def filter_queryset(
        self, request: Request, queryset: QuerySet[Any], view: APIView
    ) -> QuerySet[Any]:
        wrong: dict[str, Any] = {}
        filtered = queryset
        try:
            pagination.parse_page_request(request.query_params)
        except ValidationError as error:
            wrong = _by_field(error)
        try:
            filtered = super().filter_queryset(request, queryset, view)
        except ValidationError as error:
            wrong = wrong | _by_field(error)
        if wrong:
            raise ValidationError(wrong)
        return filtered


def _by_field(error: ValidationError) -> dict[str, Any]:
    return error.detail if isinstance(error.detail, dict) else {"non_field_errors": error.detail}
