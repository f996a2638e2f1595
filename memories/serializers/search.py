from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from accounts.subjects import SubjectSerializer
from core.api.fields import (
    EpochField,
    FlagField,
    IdField,
    NumberField,
    ObjectField,
    TextField,
    WholeNumberField,
)
from memories.limits import (
    MAX_CATEGORY_NAME,
    MAX_FILTER_VALUES,
    MAX_METADATA_BYTES,
    MAX_NAME,
    MAX_TEXT_BYTES,
)
from memories.search import Exchange, Hit

from .memory import MemorySerializer, NamesField, show

# Memories that one search brings from before its results, and as many from after them.
MOST_CONTEXT = 250


class SearchFiltersSerializer(serializers.Serializer):
    app_ids = serializers.ListField(
        child=IdField(), required=False, max_length=MAX_FILTER_VALUES, help_text="Any of these."
    )
    categories = serializers.ListField(
        child=TextField(max_length=MAX_CATEGORY_NAME),
        required=False,
        max_length=MAX_FILTER_VALUES,
        help_text="Any of these, by name.",
    )
    actors = NamesField(help_text="Said by any of these, in any case.")
    conversations = NamesField(help_text="Said in any of these conversations.")
    from_date = EpochField(required=False, allow_null=True, help_text="Not before this second.")
    to_date = EpochField(required=False, allow_null=True, help_text="Not after this second.")
    metadata = ObjectField(
        max_bytes=MAX_METADATA_BYTES, required=False, help_text="Whose metadata contains this."
    )


class SearchSerializer(SubjectSerializer):
    default_error_messages = {
        "too_much_context": "With this `top_k`, ask for at most {most} before and after each."
    }

    query = TextField(max_bytes=MAX_TEXT_BYTES, help_text="What is looked for, in any words.")
    app = TextField(
        required=False, allow_null=True, max_length=MAX_NAME, help_text="Which app reads."
    )
    top_k = WholeNumberField(
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
    include_context = WholeNumberField(
        default=0,
        min_value=0,
        max_value=10,
        help_text="Bring so many memories of the same conversation from before and after each "
        "result, whatever `filters` keep: at most 10, and with `top_k` 100 at most 2.",
    )

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        most = MOST_CONTEXT // given["top_k"]
        if given["include_context"] > most:
            detail = self.error_messages["too_much_context"].format(most=most)
            raise serializers.ValidationError(
                {"include_context": [ErrorDetail(detail, "too_much_context")]}
            )
        return given


class ContextSerializer(serializers.Serializer):
    """The exchange that a memory was said in."""

    before = MemorySerializer(many=True, help_text="What was said before it, the last one last.")
    after = MemorySerializer(many=True, help_text="What was said after it, the first one first.")


class LiftSerializer(serializers.Serializer):
    """What another memory of the same conversation is worth to a result."""

    memory_id = serializers.UUIDField(source="by", help_text="That memory.")
    places = serializers.IntegerField(help_text="How many places away it was said.")
    worth = serializers.FloatField(help_text="What it is worth, before any weight.")


class ExplanationSerializer(serializers.Serializer):
    """How a result was ranked: its score is the sum of the four parts, each times its weight."""

    cosine = serializers.FloatField(
        allow_null=True,
        help_text="Of the query's vector and the memory's, null where either is not there.",
    )
    similarity_part = serializers.FloatField(help_text="That cosine among the candidates', 0 to 1.")
    words_part = serializers.FloatField(
        help_text="Its `words_score`, and `nearby_words` times their weight, among the "
        "candidates', 0 to 1."
    )
    context_part = serializers.FloatField(help_text="The worth of its `context`, else 0.")
    speaker_part = serializers.FloatField(help_text="1 where the query names who said it, else 0.")
    matched_words = serializers.DictField(
        child=serializers.FloatField(),
        help_text="The lexemes of the query that it has: the rarer, the more weight.",
    )
    words_score = serializers.FloatField(help_text="The sum of these weights.")
    nearby_words = LiftSerializer(
        allow_null=True,
        help_text="The memory within two places whose words score most, where any does.",
    )
    context = LiftSerializer(  # type: ignore[assignment]  # DRF keeps fields apart
        allow_null=True,
        help_text="The memory within three places that lifts it most, where any does: its own "
        "`similarity` and `words` parts, times `per_place` for each place.",
    )
    speaker = serializers.CharField(
        allow_null=True, help_text="Who said it, where the query names them."
    )
    weights = serializers.DictField(
        child=serializers.FloatField(),
        help_text="What the parts `similarity`, `words`, `context` and `speaker` count for, and "
        "`nearby_words` and `per_place` within them.",
    )
    vectors_by = serializers.ChoiceField(
        ["exact", "index", "none"],
        help_text="Whether all vectors were compared, an index was asked, or neither.",
    )


class SearchResultSerializer(MemorySerializer):
    """A memory that was found, with how well it fits."""

    class Meta(MemorySerializer.Meta):
        fields = [*MemorySerializer.Meta.fields, "score", "similarity", "explanation", "context"]

    score = serializers.FloatField(
        help_text="Its rank among what this search considered: from 0 to 1 by meaning and by "
        "words, and more for who said it and for what was said around it."
    )
    similarity = serializers.FloatField(
        help_text="How alike it is in meaning, whatever else there is: 0 unrelated, 1 the same. "
        "This is what `threshold` cuts."
    )
    explanation = ExplanationSerializer(
        allow_null=True, help_text="How it was ranked, where the search asked for it."
    )
    context = ContextSerializer(  # type: ignore[assignment]  # DRF keeps fields apart
        allow_null=True, help_text="What was said around it, where the search asked for it."
    )

    def to_representation(self, hit: Hit) -> dict[str, Any]:
        explained = hit.explanation and ExplanationSerializer(hit.explanation).data
        # What the view hands over: as an attribute, `context` is not the field of that name.
        exchanges: dict[UUID, Exchange] | None = self.context["exchanges"]  # type: ignore[assignment]
        return {
            **show(hit.memory),
            "score": hit.score,
            "similarity": hit.similarity,
            "explanation": explained,
            "context": exchanges and show_exchange(exchanges[hit.memory.pk]),
        }


def show_exchange(exchange: Exchange) -> dict[str, Any]:
    return {
        "before": [show(memory) for memory in exchange.before],
        "after": [show(memory) for memory in exchange.after],
    }


class SearchResultsSerializer(serializers.Serializer):
    results = SearchResultSerializer(many=True, help_text="The best first.")
    by_words_alone = serializers.BooleanField(
        required=False,
        help_text="There, and true, where the model that embeds the query did not answer: "
        "the results are found by words, and `threshold` has left out none.",
    )
