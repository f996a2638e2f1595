from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from accounts.subjects import SubjectSerializer
from core.api.fields import (
    EpochField,
    FlagField,
    IdField,
    MomentField,
    NumberField,
    OneOrMoreField,
    PastField,
    TextField,
    WholeNumberField,
)
from core.api.serializers import RequestSerializer
from memories.filters import AS_OF_HELP, INCLUDE_EXPIRED_HELP, NAMESPACE_HELP
from memories.limits import (
    MAX_CATEGORY_NAME,
    MAX_FILTER_VALUES,
    MAX_NAME,
    MAX_TEXT_BYTES,
)
from memories.metadata_filter.api_field import MetadataFilterField
from memories.search import Context, Hit, Reason, SearchResult

from .memory import MemorySerializer, NamesField, show
from .namespace_field import NamespaceField
from .rank_explanation import ExplanationSerializer

# Memories of which one search says why they were not found.
MAX_EXPLAINED = 100

# Memories that one search shows before its results, and as many after them.
MAX_CONTEXT = 250


class SearchFiltersSerializer(RequestSerializer):
    app_ids = OneOrMoreField(
        child=IdField(),
        required=False,
        max_length=MAX_FILTER_VALUES,
        help_text="Memories of any of these apps.",
    )
    categories = OneOrMoreField(
        child=TextField(max_length=MAX_CATEGORY_NAME),
        required=False,
        max_length=MAX_FILTER_VALUES,
        help_text="Memories in any of these categories, by name.",
    )
    actors = NamesField(help_text="Memories of any of these actors, ignoring case.")
    conversations = NamesField(help_text="Memories from any of these conversations.")
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
    namespace = NamespaceField(required=False, help_text=NAMESPACE_HELP)
    metadata = MetadataFilterField()


class SearchSerializer(SubjectSerializer):
    default_error_messages = {
        "too_much_context": "With this `top_k`, `include_context` can be at most {most}."
    }

    query = TextField(max_bytes=MAX_TEXT_BYTES, help_text="The query: a question, or keywords.")
    app = TextField(
        required=False, allow_null=True, max_length=MAX_NAME, help_text="The app that searches."
    )
    top_k = WholeNumberField(
        default=10, min_value=1, max_value=100, help_text="How many results, at most 100."
    )
    threshold = NumberField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=1,
        help_text="Leave out results with a lower `similarity` than this.",
    )
    min_score = NumberField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=1,
        help_text="Leave out results with a lower `score` than this. By default there are no "
        "results where none is likely to answer; 0 returns the best all the same.",
    )
    filters = SearchFiltersSerializer(
        required=False, allow_null=True, help_text="Search only in these memories."
    )
    at = MomentField(
        required=False,
        allow_null=True,
        help_text="Rank what is not valid at this time behind what is; by default now. In seconds "
        "since 1970, or in ISO 8601 with its offset.",
    )
    as_of = PastField(required=False, allow_null=True, help_text=AS_OF_HELP)
    include_expired = FlagField(default=False, help_text=INCLUDE_EXPIRED_HELP)
    explain = FlagField(default=False, help_text="Explain the score of each result.")
    explain_missing = OneOrMoreField(
        child=IdField(),
        required=False,
        allow_null=True,
        max_length=MAX_EXPLAINED,
        help_text="Say in `missing` why these memories are not among the results.",
    )
    include_context = WholeNumberField(
        default=0,
        min_value=0,
        max_value=10,
        help_text="How many memories to show before and after each result in its conversation, "
        "whatever the `filters`: at most 10, and with `top_k` 100 at most 2.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        most = MAX_CONTEXT // attrs["top_k"]
        if attrs["include_context"] > most:
            detail = self.error_messages["too_much_context"].format(most=most)
            raise serializers.ValidationError(
                {"include_context": [ErrorDetail(detail, "too_much_context")]}
            )
        return attrs


class ContextSerializer(serializers.Serializer):
    """The neighbours of a memory in its conversation."""

    before = MemorySerializer(many=True, help_text="The memories before it, the oldest first.")
    after = MemorySerializer(many=True, help_text="The memories after it, the oldest first.")


class SearchResultSerializer(MemorySerializer):
    """A memory with its scores."""

    class Meta(MemorySerializer.Meta):
        fields = [
            *MemorySerializer.Meta.fields,
            "score",
            "similarity",
            "valid",
            "explanation",
            "context",
        ]

    valid = serializers.BooleanField(
        help_text="Whether it is valid at the time `at`. Those that are not follow all others."
    )
    score = serializers.FloatField(
        help_text="The probability that it answers the query, 0 to 1, comparable between searches. "
        "`min_score` applies to it."
    )
    similarity = serializers.FloatField(
        help_text="How similar its meaning is to the query, whatever other memories there are: "
        "0 unrelated, 1 the same. `threshold` applies to it."
    )
    explanation = ExplanationSerializer(
        allow_null=True, help_text="How it was ranked, with `explain`."
    )
    context = ContextSerializer(  # type: ignore[assignment]  # DRF keeps fields apart
        allow_null=True, help_text="Its neighbours, with `include_context`."
    )

    def to_representation(self, hit: Hit) -> dict[str, Any]:
        return {
            **show(hit.memory),
            "score": hit.score,
            "similarity": hit.similarity,
            "valid": hit.is_valid,
            "explanation": hit.explanation and ExplanationSerializer(hit.explanation).data,
            "context": hit.context and show_context(hit.context),
        }


def show_context(context: Context) -> dict[str, Any]:
    return {
        "before": [show(memory) for memory in context.before],
        "after": [show(memory) for memory in context.after],
    }


class MissingSerializer(serializers.Serializer):
    """Why a memory is not among the results."""

    id = serializers.UUIDField(source="memory_id", help_text="The memory.")
    reason = serializers.ChoiceField(
        list(Reason),
        help_text="`found` if it is among the results, else the first that applies. `unknown` if "
        "no memory that the key may read has this id. `denied` if a rule denies it to the `app`. "
        "`no_candidate` if neither its meaning nor its words are among the nearest.",
    )
    place = serializers.IntegerField(
        allow_null=True, help_text="Its place in the ranking, from 1, if it was a candidate."
    )
    score = serializers.FloatField(allow_null=True, help_text="Its score as a candidate.")
    similarity = serializers.FloatField(allow_null=True, help_text="Its similarity as a candidate.")
    explanation = ExplanationSerializer(
        allow_null=True, help_text="How it was ranked as a candidate."
    )


class SearchResultsSerializer(serializers.Serializer):
    results = SearchResultSerializer(source="hits", many=True, help_text="The best first.")
    by_words_alone = serializers.BooleanField(
        required=False,
        help_text="Present, and true, if the embedding model did not respond: the results were "
        "found by keywords alone, and `threshold` did not apply.",
    )
    nothing_fits = serializers.BooleanField(
        required=False,
        help_text="Present, and true, if no memory is likely to answer, and so there are no "
        "results. `min_score: 0` returns the nearest.",
    )
    as_of = EpochField(
        required=False, help_text="Present with `as_of`: the time, in seconds since 1970."
    )
    erased_since = serializers.IntegerField(
        required=False,
        help_text="Present with `as_of`, but not for apps: how many memories of then have been "
        "purged since.",
    )
    missing = MissingSerializer(
        many=True, required=False, help_text="Present with `explain_missing`, in its order."
    )

    def to_representation(self, result: SearchResult) -> dict[str, Any]:
        shown = super().to_representation(result)
        flags = ("by_words_alone", "nothing_fits")
        left_out = {name for name in flags if not shown[name]}
        if result.missing is None:
            left_out.add("missing")
        return {name: value for name, value in shown.items() if name not in left_out}
