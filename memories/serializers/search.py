from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.subjects import SubjectSerializer
from memories.recalling import Hit
from openmemory.api.fields import (
    EpochField,
    FlagField,
    IdField,
    NumberField,
    ObjectField,
    TextField,
    WholeField,
)

from .memory import MAX_METADATA_BYTES, MAX_TEXT_BYTES, MemorySerializer, NamesField, show


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
    actors = NamesField(help_text="Said by any of these, in any case.")
    conversations = NamesField(help_text="Said in any of these conversations.")
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

    cosine = serializers.FloatField(
        allow_null=True,
        help_text="Of the query's vector and the memory's, null where either is not there.",
    )
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
        ["exact", "index", "none"],
        help_text="Whether all vectors were compared, an index was asked, or neither.",
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
            **show(hit.memory),
            "score": hit.score,
            "similarity": hit.similarity,
            "explanation": explained,
        }


class SearchResultsSerializer(serializers.Serializer):
    results = SearchResultSerializer(many=True, help_text="The best first.")
    by_words_alone = serializers.BooleanField(
        required=False,
        help_text="There, and true, where the model that embeds the query did not answer: "
        "the results are found by words, and `threshold` has left out none.",
    )
