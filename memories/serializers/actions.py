from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.subjects import SubjectSerializer
from core.api.fields import (
    EpochField,
    FlagField,
    IdField,
    LegacyDateTimeField,
    TextField,
    WholeNumberField,
)
from memories.limits import MAX_FILTER_VALUES, MAX_IDS, MAX_TEXT_BYTES
from memories.models import Access, Category, State

from .memory import NamesField

SORT_COLUMNS = ["memory", "categories", "app_name", "created_at"]


class CategorySerializer(serializers.ModelSerializer):
    class Meta:
        model = Category
        fields = ["id", "name", "description", "created_at", "updated_at"]


class CategoriesSerializer(serializers.Serializer):
    categories = CategorySerializer(many=True, help_text="In the order of their names.")
    total = serializers.IntegerField(help_text="How many there are.")


class FilterSerializer(SubjectSerializer):
    page = WholeNumberField(required=False, min_value=1, help_text="Which page, from 1.")
    page_size = WholeNumberField(
        required=False, min_value=1, max_value=100, help_text="Items of a page."
    )
    size = WholeNumberField(
        required=False, min_value=1, max_value=100, help_text="The same as `page_size`."
    )
    search_query = TextField(
        required=False,
        allow_null=True,
        allow_blank=True,
        max_bytes=MAX_TEXT_BYTES,
        help_text="Contains this, in any case.",
    )
    app_ids = serializers.ListField(
        child=IdField(),
        required=False,
        allow_null=True,
        max_length=MAX_FILTER_VALUES,
        help_text="Of any of these.",
    )
    category_ids = serializers.ListField(
        child=IdField(),
        required=False,
        allow_null=True,
        max_length=MAX_FILTER_VALUES,
        help_text="In any of these.",
    )
    actors = NamesField(allow_null=True, help_text="Said by any of these, in any case.")
    conversations = NamesField(allow_null=True, help_text="Said in any of these conversations.")
    from_date = EpochField(required=False, allow_null=True, help_text="Not before this second.")
    to_date = EpochField(required=False, allow_null=True, help_text="Not after this second.")
    sort_column = serializers.ChoiceField(
        SORT_COLUMNS,
        required=False,
        allow_null=True,
        help_text="Sort by this; by default the newest come first.",
    )
    sort_direction = serializers.ChoiceField(
        ["asc", "desc"], required=False, allow_null=True, help_text="`asc` unless `desc` is asked."
    )
    show_archived = FlagField(default=False, help_text="Show archived memories too.")


class PauseSerializer(SubjectSerializer):
    default_error_messages = {
        "selector": "Send exactly one of memory_ids, category_ids, app_id and global_pause."
    }

    memory_ids = serializers.ListField(
        child=IdField(),
        required=False,
        allow_null=True,
        min_length=1,
        max_length=MAX_IDS,
        help_text="These, 1 to 10,000.",
    )
    category_ids = serializers.ListField(
        child=IdField(),
        required=False,
        allow_null=True,
        min_length=1,
        max_length=MAX_FILTER_VALUES,
        help_text="All in any of these categories.",
    )
    app_id = IdField(required=False, allow_null=True, help_text="All that this app put down.")
    all_for_app = FlagField(
        default=False, help_text="Says again that `app_id` means all of them; else it does nothing."
    )
    global_pause = FlagField(default=False, help_text="All memories of the user.")
    state = serializers.ChoiceField(
        [State.PAUSED, State.ACTIVE, State.ARCHIVED],
        default=State.PAUSED,
        help_text="What they become: `active` resumes them.",
    )

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        selectors = [given.get(name) for name in ("memory_ids", "category_ids", "app_id")]
        if sum(each is not None for each in selectors) + given["global_pause"] != 1:
            self.fail("selector")
        return given


class AccessSerializer(serializers.ModelSerializer):
    """One reading of a memory."""

    class Meta:
        model = Access
        fields = [
            "id", "memory_id", "app_id", "app_name", "accessed_at", "access_type", "metadata_",
        ]  # fmt: skip

    memory_id = serializers.UUIDField(help_text="What was read.")
    app_id = serializers.UUIDField(allow_null=True, help_text="Who read it; null for its person.")
    app_name = serializers.CharField(
        source="app.name", default=None, allow_null=True, help_text="The name of that app."
    )
    accessed_at = LegacyDateTimeField(help_text="When it was read.")
    metadata_ = serializers.DictField(source="metadata", help_text="More about this reading.")
