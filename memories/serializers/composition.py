from __future__ import annotations

from rest_framework import serializers

from accounts.subjects import SubjectSerializer
from core.api.fields import EpochField, OneOfField, OneOrMoreField, TextField, WholeNumberField
from memories.limits import MAX_NAME, MAX_TEXT_BYTES
from memories.prompt import DEFAULT_TOKENS, MAX_TOKENS, SECTIONS

from .search import SearchFiltersSerializer


class PromptRequestSerializer(SubjectSerializer):
    query = TextField(
        required=False,
        allow_null=True,
        max_bytes=MAX_TEXT_BYTES,
        help_text="What the prompt is about. Without it, what is always worth knowing.",
    )
    app = TextField(
        required=False, allow_null=True, max_length=MAX_NAME, help_text="The app that reads."
    )
    max_tokens = WholeNumberField(
        default=DEFAULT_TOKENS,
        min_value=1,
        max_value=MAX_TOKENS,
        help_text="The budget of the text, counted by `tokenizer`.",
    )
    at = EpochField(
        required=False,
        allow_null=True,
        help_text="Only memories whose content is valid at this time, by default now.",
    )
    filters = SearchFiltersSerializer(
        required=False, allow_null=True, help_text="Only these memories."
    )
    include = OneOrMoreField(
        child=OneOfField(SECTIONS),
        required=False,
        allow_null=True,
        max_length=len(SECTIONS),
        help_text="`facts`: what answers the query; without one, what is pinned (`pinned: true` in "
        "its metadata) or often read. `recent`: the newest memories. `conversation`: the messages "
        "around what answers; without a query, the latest conversation. By default `facts`, with a "
        "query `conversation`, without one `recent`.",
    )


class PromptContextSerializer(serializers.Serializer):
    """A text for a prompt: data, marked as such. Empty if nothing is known."""

    text = serializers.CharField(help_text="The text to put into the prompt.")
    memories = serializers.ListField(
        child=serializers.UUIDField(), help_text="The ids that it cites, in its order."
    )
    tokens = serializers.IntegerField(help_text="How many tokens it has, at most `max_tokens`.")
    tokenizer = serializers.CharField(help_text="What counted them.")
