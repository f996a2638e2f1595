from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.subjects import SubjectSerializer
from core.api.fields import (
    EpochField,
    FlagField,
    IdField,
    LegacyDateTimeField,
    OneOfField,
    OneOrMoreField,
    PastField,
    TextField,
    WholeNumberField,
)
from memories.filters import AS_OF_HELP, INCLUDE_EXPIRED_HELP
from memories.limits import MAX_FILTER_VALUES, MAX_IDS, MAX_TEXT_BYTES
from memories.metadata_filter.api_field import MetadataFilterField
from memories.models import Access, State, UserCategory

from .memory import NamesField
from .selection import NonEmptyFiltersSerializer

SORT_COLUMNS = ["memory", "categories", "app_name", "created_at"]


class CategorySerializer(serializers.ModelSerializer):
    class Meta:
        model = UserCategory
        fields = ["id", "name", "description", "created_at", "updated_at"]

    name = serializers.CharField(help_text="In lower case.")
    description = serializers.CharField(help_text="What belongs here, in a sentence.")


class CategoriesSerializer(serializers.Serializer):
    categories = CategorySerializer(many=True, help_text="Sorted by name.")
    total = serializers.IntegerField(help_text="The number of categories.")
    as_of = EpochField(
        required=False, help_text="Present with `as_of`: the time, in seconds since 1970."
    )
    erased_since = serializers.IntegerField(
        required=False,
        help_text="Present with `as_of`, but not for apps: how many memories of "
        "then have been purged since.",
    )


class FilterSerializer(SubjectSerializer):
    page = WholeNumberField(required=False, min_value=1, help_text="The page number, from 1.")
    page_size = WholeNumberField(
        required=False, min_value=1, max_value=100, help_text="The number of items per page."
    )
    size = WholeNumberField(
        required=False, min_value=1, max_value=100, help_text="An alias of `page_size`."
    )
    search_query = TextField(
        required=False,
        allow_null=True,
        allow_blank=True,
        max_bytes=MAX_TEXT_BYTES,
        help_text="Memories whose content contains this, ignoring case.",
    )
    app_ids = OneOrMoreField(
        child=IdField(),
        required=False,
        allow_null=True,
        max_length=MAX_FILTER_VALUES,
        help_text="Memories of any of these apps.",
    )
    category_ids = OneOrMoreField(
        child=IdField(),
        required=False,
        allow_null=True,
        max_length=MAX_FILTER_VALUES,
        help_text="Memories in any of these categories.",
    )
    actors = NamesField(
        allow_null=True, help_text="Memories of any of these actors, ignoring case."
    )
    conversations = NamesField(
        allow_null=True, help_text="Memories from any of these conversations."
    )
    from_date = EpochField(
        required=False,
        allow_null=True,
        help_text="Memories from this time on, in seconds since 1970 or in ISO 8601.",
    )
    to_date = EpochField(
        is_end=True,
        required=False,
        allow_null=True,
        help_text="Memories up to this time, or the end of this day.",
    )
    metadata = MetadataFilterField()
    sort_column = OneOfField(
        SORT_COLUMNS,
        required=False,
        allow_null=True,
        help_text="The column to sort by; newest first by default.",
    )
    sort_direction = OneOfField(
        ["asc", "desc"], required=False, allow_null=True, help_text="`asc` by default."
    )
    show_archived = FlagField(default=False, help_text="Include archived memories.")
    include_expired = FlagField(default=False, help_text=INCLUDE_EXPIRED_HELP)
    as_of = PastField(required=False, allow_null=True, help_text=AS_OF_HELP)


# Of these and `global_pause`, one selects the memories.
SELECTORS = ("memory_ids", "category_ids", "app_id", "filters")


class PauseSerializer(SubjectSerializer):
    default_error_messages = {
        "selector": "Send exactly one of `memory_ids`, `category_ids`, `app_id`, `filters` and "
        "`global_pause`."
    }

    memory_ids = OneOrMoreField(
        child=IdField(),
        required=False,
        allow_null=True,
        min_length=1,
        max_length=MAX_IDS,
        help_text="The ids of 1 to 10,000 memories.",
    )
    category_ids = OneOrMoreField(
        child=IdField(),
        required=False,
        allow_null=True,
        min_length=1,
        max_length=MAX_FILTER_VALUES,
        help_text="All memories in any of these categories.",
    )
    app_id = IdField(
        required=False, allow_null=True, help_text="All memories that this app stored."
    )
    filters = NonEmptyFiltersSerializer(
        required=False, help_text="All memories that match, as in a search; at least one filter."
    )
    all_for_app = FlagField(
        default=False,
        help_text="Accepted for compatibility, with no effect: `app_id` always means all.",
    )
    global_pause = FlagField(default=False, help_text="All memories of the user.")
    state = OneOfField(
        [State.PAUSED, State.ACTIVE, State.ARCHIVED],
        default=State.PAUSED,
        help_text="The target state; `active` resumes them.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        selectors = [attrs.get(name) for name in SELECTORS]
        if sum(value is not None for value in selectors) + attrs["global_pause"] != 1:
            self.fail("selector")
        return attrs


class AccessSerializer(serializers.ModelSerializer):
    """An entry of the access log."""

    class Meta:
        model = Access
        fields = [
            "id", "memory_id", "app_id", "app_name", "accessed_at", "access_type", "metadata_",
        ]  # fmt: skip

    memory_id = serializers.UUIDField(help_text="The memory that was read.")
    app_id = serializers.UUIDField(
        allow_null=True, help_text="The app that read it; null for a user."
    )
    app_name = serializers.CharField(
        source="app.name", default=None, allow_null=True, help_text="The name of that app."
    )
    accessed_at = LegacyDateTimeField(help_text="When it was read.")
    metadata_ = serializers.DictField(source="metadata", help_text="Details of the access.")
