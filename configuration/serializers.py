from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rest_framework import serializers

from core.api.fields import NumberField, ObjectField, TextField, WholeNumberField

from . import base_urls, provider_keys
from .providers.catalog import EMBEDDER_PROVIDERS, LLM_PROVIDERS

MAX_INSTRUCTIONS_BYTES = 32 * 1024
MAX_UNREAD_BYTES = 16 * 1024
VECTOR_STORES = ["pgvector"]


class OptionalText(TextField):
    """A string, or null. One with nothing but spaces in it counts as null.

    `fault` says what is wrong with a string, or None.
    """

    def __init__(self, *, fault: Callable[[str], str | None] | None = None, **kwargs: Any) -> None:
        super().__init__(required=False, allow_null=True, allow_blank=True, **kwargs)
        self.fault = fault

    def run_validation(self, data: Any = serializers.empty) -> str | None:
        value = super().run_validation(data)
        if value is None or not value.strip():
            return None
        detail = self.fault(value) if self.fault else None
        if detail:
            raise serializers.ValidationError(detail)
        return str(value)


class ModelConfigSerializer(serializers.Serializer):
    """How a model is reached. Null stands for the default."""

    model = OptionalText(max_length=255, help_text="What the provider calls the model.")
    api_key = OptionalText(
        max_length=provider_keys.MAX_LENGTH,
        fault=provider_keys.fault,
        help_text="`env:NAME` for what the environment variable NAME holds when it is needed, or "
        "the key itself, which is kept encrypted and shown as a mask. The mask, sent back, "
        "stands for the kept key.",
    )
    ollama_base_url = OptionalText(
        max_length=base_urls.MAX_LENGTH,
        fault=base_urls.fault,
        help_text="Where Ollama answers. Null: on this machine.",
    )
    openai_base_url = OptionalText(
        max_length=base_urls.MAX_LENGTH,
        fault=base_urls.fault,
        help_text="Where a server answers that speaks OpenAI's API. Null: the provider's own.",
    )


class LlmConfigSerializer(ModelConfigSerializer):
    temperature = NumberField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=2,
        help_text="From 0, always the likeliest word, to 2.",
    )
    max_tokens = WholeNumberField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=1_000_000,
        help_text="How long an answer of the model may be.",
    )


class EmbedderConfigSerializer(ModelConfigSerializer):
    dimensions = WholeNumberField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=4000,
        help_text="Of its vectors. Null: as many as the model has.",
    )


class ProviderField(serializers.ChoiceField):
    def __init__(self, choices: list[str], **kwargs: Any) -> None:
        known = ", ".join(choices)
        super().__init__(
            choices, error_messages={"invalid_choice": f"This is none of {known}."}, **kwargs
        )


class LlmSerializer(serializers.Serializer):
    """The language model: `local` stands for none, and memories are kept as they were sent."""

    provider = ProviderField(LLM_PROVIDERS, allow_null=True, help_text="Who runs the model.")
    config = LlmConfigSerializer(required=False, allow_null=True)


class EmbedderSerializer(serializers.Serializer):
    """The embedding model: `local` is the one that is built in."""

    provider = ProviderField(EMBEDDER_PROVIDERS, allow_null=True, help_text="Who runs the model.")
    config = EmbedderConfigSerializer(required=False, allow_null=True)


class VectorStoreSerializer(serializers.Serializer):
    """Where vectors are kept: in PostgreSQL, always."""

    provider = ProviderField(VECTOR_STORES, help_text="Always `pgvector`.")
    config = ObjectField(
        max_bytes=MAX_UNREAD_BYTES, required=False, allow_null=True, help_text="Not read."
    )


class OpenMemorySerializer(serializers.Serializer):
    """Settings of this server itself."""

    custom_instructions = OptionalText(
        max_bytes=MAX_INSTRUCTIONS_BYTES,
        help_text="What the language model is told about which facts to keep, up to 32 KiB.",
    )


class Mem0Serializer(serializers.Serializer):
    llm = LlmSerializer(required=False, allow_null=True)
    embedder = EmbedderSerializer(required=False, allow_null=True)
    vector_store = VectorStoreSerializer(required=False, allow_null=True)


class ConfigurationSerializer(serializers.Serializer):
    openmemory = OpenMemorySerializer(required=False, allow_null=True)
    mem0 = Mem0Serializer(required=False, allow_null=True)


# --- The same, where every field may be left out --------------------------------------------


class LlmChangesSerializer(LlmSerializer):
    provider = ProviderField(
        LLM_PROVIDERS, required=False, allow_null=True, help_text="Who runs the model."
    )


class EmbedderChangesSerializer(EmbedderSerializer):
    provider = ProviderField(
        EMBEDDER_PROVIDERS, required=False, allow_null=True, help_text="Who runs the model."
    )


class VectorStoreChangesSerializer(VectorStoreSerializer):
    provider = ProviderField(
        VECTOR_STORES, required=False, allow_null=True, help_text="Always `pgvector`."
    )


class Mem0ChangesSerializer(serializers.Serializer):
    llm = LlmChangesSerializer(required=False, allow_null=True)
    embedder = EmbedderChangesSerializer(required=False, allow_null=True)
    vector_store = VectorStoreChangesSerializer(required=False, allow_null=True)


class ConfigurationChangesSerializer(serializers.Serializer):
    openmemory = OpenMemorySerializer(required=False, allow_null=True)
    mem0 = Mem0ChangesSerializer(required=False, allow_null=True)
