"""The selection of the memories that a request changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.exceptions import ErrorDetail, ValidationError

from accounts.subjects import SubjectSerializer
from core.api.fields import IdField, OneOrMoreField
from memories.lifecycle.states import Selection
from memories.limits import MAX_IDS
from memories.search import Filters

from .search import SearchFiltersSerializer


class NonEmptyFiltersSerializer(SearchFiltersSerializer):
    """The filters of a search, of which there is at least one: none would select everything."""

    default_error_messages = {"empty": "Send at least one filter."}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not any(attrs.values()):
            self.fail("empty")
        return attrs


class SelectionSerializer(SubjectSerializer):
    """Memories by their ids, or by filters."""

    default_error_messages = {"selector": "Send either `memory_ids` or `filters`."}

    memory_ids = OneOrMoreField(
        child=IdField(),
        required=False,
        min_length=1,
        max_length=MAX_IDS,
        help_text="The ids of 1 to 10,000 memories.",
    )
    filters = NonEmptyFiltersSerializer(
        required=False,
        help_text="Instead of ids: all active and paused memories that match, any number; at least "
        "one filter.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("memory_ids" in attrs) == ("filters" in attrs):
            detail = ErrorDetail(str(self.error_messages["selector"]), "selector")
            raise ValidationError({"memory_ids": [detail]})
        return attrs


def build_selection(fields: Mapping[str, Any]) -> Selection:
    """Build a selection from the validated fields of a serializer with any selectors."""
    filters = fields.get("filters")
    return Selection(
        memory_ids=fields.get("memory_ids"),
        category_ids=fields.get("category_ids"),
        app_id=fields.get("app_id"),
        filters=None if filters is None else Filters(**filters),
        everything=fields.get("global_pause", False),
    )
