from __future__ import annotations

from rest_framework import serializers


class BoostSerializer(serializers.Serializer):
    """The boost that a result gets from a neighbour."""

    memory_id = serializers.UUIDField(help_text="The neighbour.")
    places = serializers.IntegerField(help_text="How many places away it is.")
    worth = serializers.FloatField(source="value", help_text="The boost, before its weight.")


class ExplanationSerializer(serializers.Serializer):
    """How a result was ranked and scored: its `score` is its `fit` times its `share`."""

    cosine = serializers.FloatField(
        allow_null=True,
        help_text="Of the vectors of query and memory, null if either is missing.",
    )
    similarity_part = serializers.FloatField(
        help_text="Its cosine relative to the candidates', 0 to 1."
    )
    words_part = serializers.FloatField(
        help_text="Its `words_score` relative to the candidates', 0 to 1."
    )
    nearby_words_part = serializers.FloatField(
        help_text="The `worth` of its `nearby_words` relative to the candidates', 0 to 1. This, "
        "`context_part` and `answers_part` are, for a memory outside of any conversation beside "
        "others in one, the means of the best of those."
    )
    context_part = serializers.FloatField(
        help_text="How well the best candidates within half an hour in its conversation match by "
        "themselves, 0 to 1."
    )
    answers_part = serializers.FloatField(
        help_text="How well the question before it, of another speaker, matches by itself, 0 to 1."
    )
    speaker_part = serializers.FloatField(help_text="1 if the query names its speaker, else 0.")
    when_part = serializers.FloatField(
        help_text="If the query asks when something was: 1 if the memory has words for times, less "
        "if it is long; else 0."
    )
    all_words_part = serializers.FloatField(
        help_text="1 if the query is of keywords, or has a number or code, and the memory has all "
        "of its words, else 0."
    )
    time_part = serializers.FloatField(
        help_text="1 if it was said, or became valid, in the period that the query names; 8 if the "
        "query asks for nothing else; else 0."
    )
    tokens_part = serializers.FloatField(
        help_text="How well its tokens match those of the query, relative to the candidates, 0 to "
        "1. 0 for all where they are not compared: then `similarity` and `words` weigh more."
    )
    matched_words = serializers.DictField(
        child=serializers.FloatField(),
        help_text="The lexemes of the query that it has, with the idf of each.",
    )
    words_score = serializers.FloatField(help_text="Its lexical score: the sum of these.")
    nearby_words = BoostSerializer(
        allow_null=True,
        help_text="The neighbour within two places with the best lexical score, if any.",
    )
    speaker = serializers.CharField(
        allow_null=True, help_text="Its speaker, if the query names them."
    )
    weights = serializers.DictField(
        child=serializers.FloatField(),
        help_text="The weights of the parts, by their names without `_part`.",
    )
    vectors_by = serializers.ChoiceField(
        ["exact", "index", "none"],
        help_text="Whether all vectors were compared, an index was used, or neither.",
    )
    rank_score = serializers.FloatField(
        help_text="The sum of the parts, each times its weight. It orders the results."
    )
    fit = serializers.FloatField(
        help_text="The probability that any memory answers the query, the same for all results."
    )
    fit_parts = serializers.DictField(
        child=serializers.FloatField(),
        help_text="What the fit is estimated from: the best similarity; the share of the query's "
        "words, by idf, that a result has itself or with a neighbour; and whether the query names "
        "somebody known or unknown.",
    )
    floor = serializers.FloatField(
        help_text="Without `min_score`, there are no results if the fit is below this. 0 if off."
    )
    share = serializers.FloatField(
        help_text="The probability that it is this result, if any answers: by how far its "
        "`rank_score` stands out."
    )
