from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.subjects import SubjectSerializer
from apps_registry.models import AccessRule, Effect
from openmemory.api.fields import (
    EpochField,
    FlagField,
    IdField,
    NumberField,
    ObjectField,
    TextField,
    WholeField,
)

from .models import Access, Category, Memory, State
from .recalling import Hit
from .remembering import Event

MAX_TEXT_BYTES = 32 * 1024
MAX_METADATA_BYTES = 16 * 1024
MAX_IDS = 10_000
SORT_COLUMNS = ["memory", "categories", "app_name", "created_at"]


class MemoryItemSerializer(serializers.ModelSerializer):
    """One memory of a list."""

    class Meta:
        model = Memory
        fields = [
            "id", "content", "created_at", "state", "app_id", "app_name", "categories", "metadata_",
        ]  # fmt: skip

    created_at = EpochField(help_text="When it was learned, in seconds since 1970.")
    app_id = serializers.UUIDField(help_text="The app that put it down.")
    app_name = serializers.CharField(source="app.name", help_text="The name of that app.")
    categories = serializers.SerializerMethodField(help_text="The themes it is about.")
    metadata_ = serializers.DictField(
        source="metadata", help_text="Key-value pairs that the app keeps beside it."
    )

    def get_categories(self, memory: Memory) -> list[str]:
        return sorted(category.name for category in memory.categories.all())


class MemorySerializer(MemoryItemSerializer):
    """One memory by itself, where its content is called `text`."""

    class Meta(MemoryItemSerializer.Meta):
        fields = [
            "text" if name == "content" else name for name in MemoryItemSerializer.Meta.fields
        ]

    text = serializers.CharField(source="content", help_text="The memory itself, as it was sent.")


class RememberedSerializer(MemorySerializer):
    """A memory as put down, and what became of the text."""

    class Meta(MemorySerializer.Meta):
        fields = [*MemorySerializer.Meta.fields, "event", "job"]

    event = serializers.ChoiceField(
        [str(event) for event in Event],
        help_text="`DUPLICATE` when the app had put this text down before: this is that memory.",
    )
    job = serializers.CharField(
        allow_null=True, help_text="The address of the job that goes on with it, if any."
    )


class NewMemorySerializer(SubjectSerializer):
    text = TextField(max_bytes=MAX_TEXT_BYTES, help_text="What to remember, up to 32 KiB.")
    metadata = ObjectField(
        max_bytes=MAX_METADATA_BYTES,
        default=dict,
        allow_null=True,
        help_text="Key-value pairs to keep beside it, up to 16 KiB.",
    )
    infer = FlagField(
        default=True, help_text="Categorise it and do not store an exact duplicate again."
    )
    app = TextField(
        required=False,
        allow_null=True,
        max_length=255,
        help_text="Which app remembers: the key's, else `openmemory`. Made on first use.",
    )
    timestamp = EpochField(
        past=True,
        required=False,
        allow_null=True,
        help_text="When it was learned, in seconds since 1970; by default now.",
    )


class RevisionSerializer(SubjectSerializer):
    memory_content = TextField(max_bytes=MAX_TEXT_BYTES, help_text="What it says from now on.")


class MemoryIdsSerializer(SubjectSerializer):
    memory_ids = serializers.ListField(
        child=IdField(),
        min_length=1,
        max_length=MAX_IDS,
        help_text="Which memories, 1 to 10,000.",
    )


class CategorySerializer(serializers.ModelSerializer):
    class Meta:
        model = Category
        fields = ["id", "name", "description", "created_at", "updated_at"]


class CategoriesSerializer(serializers.Serializer):
    categories = CategorySerializer(many=True, help_text="In the order of their names.")
    total = serializers.IntegerField(help_text="How many there are.")


class FilterSerializer(SubjectSerializer):
    page = WholeField(required=False, min_value=1, help_text="Which page, from 1.")
    page_size = WholeField(required=False, min_value=1, max_value=100, help_text="Items of a page.")
    size = WholeField(
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
        max_length=100,
        help_text="Of any of these.",
    )
    category_ids = serializers.ListField(
        child=IdField(),
        required=False,
        allow_null=True,
        max_length=100,
        help_text="In any of these.",
    )
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
        max_length=100,
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
    metadata_ = serializers.DictField(source="metadata", help_text="More about this reading.")


class AppMemorySerializer(MemoryItemSerializer):
    """A memory of an app, with its time in ISO 8601."""

    class Meta(MemoryItemSerializer.Meta):
        pass

    created_at = serializers.DateTimeField(help_text="When it was learned.")


class ReadMemorySerializer(serializers.Serializer):
    """A memory that an app has read."""

    memory = AppMemorySerializer(source="*", help_text="The memory.")
    access_count = serializers.IntegerField(help_text="How often the app has read it.")


class RuleSerializer(serializers.ModelSerializer):
    """What an app may read."""

    class Meta:
        model = AccessRule
        fields = ["id", "memory_id", "effect", "created_at"]


class NewRuleSerializer(SubjectSerializer):
    memory_id = IdField(
        required=False,
        allow_null=True,
        help_text="What the rule is about; null for all.",
    )
    effect = serializers.ChoiceField(
        Effect.values,
        help_text="`deny` wins over `allow`. With any `allow` of a memory, only such are read.",
    )


class MessageSerializer(serializers.Serializer):
    message = serializers.CharField(help_text="What was done, in a sentence.")


class SearchFiltersSerializer(serializers.Serializer):
    app_ids = serializers.ListField(
        child=IdField(), required=False, max_length=100, help_text="Any of these."
    )
    categories = serializers.ListField(
        child=TextField(max_length=100),
        required=False,
        max_length=100,
        help_text="Any of these, by name.",
    )
    from_date = EpochField(required=False, allow_null=True, help_text="Not before this second.")
    to_date = EpochField(required=False, allow_null=True, help_text="Not after this second.")
    metadata = ObjectField(
        max_bytes=MAX_METADATA_BYTES, required=False, help_text="Whose metadata contains this."
    )


class SearchSerializer(SubjectSerializer):
    query = TextField(max_bytes=MAX_TEXT_BYTES, help_text="What is looked for, in any words.")
    app = TextField(required=False, allow_null=True, max_length=255, help_text="Which app reads.")
    top_k = WholeField(
        default=10, min_value=1, max_value=100, help_text="How many to find, at most 100."
    )
    threshold = NumberField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=1,
        help_text="Leave out what is less similar than this, from 0 to 1.",
    )
    filters = SearchFiltersSerializer(required=False, allow_null=True, help_text="What to keep.")
    explain = FlagField(default=False, help_text="Say of each result how it was ranked.")


class ExplanationSerializer(serializers.Serializer):
    """How a result was ranked: its score is the sum of the parts, each times its weight."""

    cosine = serializers.FloatField(help_text="Of the query's vector and the memory's.")
    similarity_part = serializers.FloatField(help_text="That cosine among the candidates', 0 to 1.")
    words_part = serializers.FloatField(help_text="Its words among the candidates', 0 to 1.")
    matched_words = serializers.DictField(
        child=serializers.FloatField(),
        help_text="The lexemes of the query that it has: the rarer, the more weight.",
    )
    words_score = serializers.FloatField(help_text="The sum of these weights.")
    weights = serializers.DictField(
        child=serializers.FloatField(), help_text="What each part counts for."
    )
    vectors_by = serializers.ChoiceField(
        ["exact", "index"], help_text="Whether all vectors were compared, or an index was asked."
    )


class SearchResultSerializer(MemorySerializer):
    """A memory that was found, with how well it fits."""

    class Meta(MemorySerializer.Meta):
        fields = [*MemorySerializer.Meta.fields, "score", "similarity", "explanation"]

    score = serializers.FloatField(
        help_text="Its rank among what this search considered, 0 to 1: by meaning and by words."
    )
    similarity = serializers.FloatField(
        help_text="How alike it is in meaning, whatever else there is: 0 unrelated, 1 the same. "
        "This is what `threshold` cuts."
    )
    explanation = ExplanationSerializer(
        allow_null=True, help_text="How it was ranked, where the search asked for it."
    )

    def to_representation(self, hit: Hit) -> dict[str, Any]:
        explained = hit.explanation and ExplanationSerializer(hit.explanation).data
        return {
            **MemorySerializer(hit.memory).data,
            "score": hit.score,
            "similarity": hit.similarity,
            "explanation": explained,
        }


class SearchResultsSerializer(serializers.Serializer):
    results = SearchResultSerializer(many=True, help_text="The best first.")
