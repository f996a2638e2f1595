from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.fields import NumberField, ObjectField, TextField, WholeNumberField
from core.api.serializers import RequestSerializer

from . import base_urls, provider_keys
from .base_urls import check_base_url
from .catalog import EMBEDDER_PROVIDERS, LLM_PROVIDERS

MAX_INSTRUCTIONS_BYTES = 32 * 1024
MAX_IGNORED_BYTES = 16 * 1024
VECTOR_STORES = ["pgvector"]
THINK_LEVELS = ["low", "medium", "high"]


class OptionalText(TextField):
    """A string or null. A blank string means null.

    `check` returns what is wrong with a string, or None.
    """

    def __init__(self, *, check: Callable[[str], str | None] | None = None, **kwargs: Any) -> None:
        super().__init__(required=False, allow_null=True, allow_blank=True, **kwargs)
        self.check = check

    def run_validation(self, data: Any = serializers.empty) -> str | None:
        value = super().run_validation(data)
        if value is None or not value.strip():
            return None
        problem = self.check(value) if self.check else None
        if problem:
            raise serializers.ValidationError(problem)
        return str(value)


@extend_schema_field(
    {"oneOf": [{"type": "boolean"}, {"type": "string", "enum": THINK_LEVELS}, {"type": "null"}]}
)
class ThinkField(serializers.Field):
    """Whether a model reasons, or how much. A blank string means null."""

    default_error_messages = {"invalid": "This is not true, false, low, medium or high."}

    def to_internal_value(self, data: Any) -> bool | str | None:
        by_name = {
            "true": True,
            "false": False,
            **{level: level for level in THINK_LEVELS},
            "": None,
        }
        if isinstance(data, bool):
            return data
        if not isinstance(data, str) or data.strip().lower() not in by_name:
            self.fail("invalid")
        return by_name[data.strip().lower()]

    def to_representation(self, value: bool | str) -> bool | str:
        return value


class ModelConfigSerializer(RequestSerializer):
    """How to connect to a model. Null means the default."""

    model = OptionalText(max_length=255, help_text="The provider's name of the model.")
    api_key = OptionalText(
        max_length=provider_keys.MAX_LENGTH,
        check=provider_keys.check_key,
        help_text="`env:NAME` to read the key from the environment variable NAME when it is "
        "needed, or the key itself, which is stored encrypted and shown as a mask. Send the mask "
        "to keep the stored key.",
    )
    ollama_base_url = OptionalText(
        max_length=base_urls.MAX_LENGTH,
        check=check_base_url,
        help_text="The base URL of Ollama. Null: on this machine.",
    )
    openai_base_url = OptionalText(
        max_length=base_urls.MAX_LENGTH,
        check=check_base_url,
        help_text="The base URL of a server with OpenAI's API. Null: the provider's own.",
    )


class LlmConfigSerializer(ModelConfigSerializer):
    temperature = NumberField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=2,
        help_text="From 0, which always samples the most likely token, to 2.",
    )
    max_tokens = WholeNumberField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=1_000_000,
        help_text="The maximum length of an answer of the model.",
    )

    num_ctx = WholeNumberField(
        required=False,
        allow_null=True,
        min_value=512,
        max_value=10_000_000,
        help_text="Ollama only: the tokens of a prompt and its answer together. Null: Ollama's own "
        "setting. A prompt that does not fit is an error.",
    )
    think = ThinkField(
        required=False,
        allow_null=True,
        help_text="Ollama only: whether the model reasons before it answers, `true` or `false`, or "
        "how much: `low`, `medium` or `high`. Null: the model's own setting.",
    )


class EmbedderConfigSerializer(ModelConfigSerializer):
    dimensions = WholeNumberField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=4000,
        help_text="The dimensions of the vectors. Null: the model's own.",
    )
    batch_size = WholeNumberField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=64,
        help_text="The most texts to send in one request. Null: 64, or fewer if the server "
        "refuses so many.",
    )


class ProviderField(serializers.ChoiceField):
    def __init__(self, choices: list[str], **kwargs: Any) -> None:
        message = f"This is not one of {', '.join(choices)}."
        super().__init__(choices, error_messages={"invalid_choice": message}, **kwargs)


class LlmSerializer(RequestSerializer):
    """The language model. `local` means none: memories are stored as they were sent."""

    provider = ProviderField(LLM_PROVIDERS, allow_null=True, help_text="The provider of the model.")
    config = LlmConfigSerializer(required=False, allow_null=True)


class EmbedderSerializer(RequestSerializer):
    """The embedding model. `local` means a built-in one."""

    provider = ProviderField(
        EMBEDDER_PROVIDERS, allow_null=True, help_text="The provider of the model."
    )
    config = EmbedderConfigSerializer(required=False, allow_null=True)


class VectorStoreSerializer(RequestSerializer):
    """Where vectors are stored: always in PostgreSQL."""

    provider = ProviderField(VECTOR_STORES, help_text="Always `pgvector`.")
    config = ObjectField(
        max_bytes=MAX_IGNORED_BYTES, required=False, allow_null=True, help_text="Ignored."
    )


class OpenMemorySerializer(RequestSerializer):
    """The server's own settings."""

    custom_instructions = OptionalText(
        max_bytes=MAX_INSTRUCTIONS_BYTES,
        help_text="Instructions to the language model about which facts to store, up to 32 KiB.",
    )


class Mem0Serializer(RequestSerializer):
    llm = LlmSerializer(required=False, allow_null=True)
    embedder = EmbedderSerializer(required=False, allow_null=True)
    vector_store = VectorStoreSerializer(required=False, allow_null=True)


class ConfigurationSerializer(RequestSerializer):
    openmemory = OpenMemorySerializer(required=False, allow_null=True)
    mem0 = Mem0Serializer(required=False, allow_null=True)


# --- The same for PATCH: every field is optional --------------------------------------------


class LlmChangesSerializer(LlmSerializer):
    provider = ProviderField(
        LLM_PROVIDERS, required=False, allow_null=True, help_text="The provider of the model."
    )


class EmbedderChangesSerializer(EmbedderSerializer):
    provider = ProviderField(
        EMBEDDER_PROVIDERS, required=False, allow_null=True, help_text="The provider of the model."
    )


class VectorStoreChangesSerializer(VectorStoreSerializer):
    provider = ProviderField(
        VECTOR_STORES, required=False, allow_null=True, help_text="Always `pgvector`."
    )


class Mem0ChangesSerializer(RequestSerializer):
    llm = LlmChangesSerializer(required=False, allow_null=True)
    embedder = EmbedderChangesSerializer(required=False, allow_null=True)
    vector_store = VectorStoreChangesSerializer(required=False, allow_null=True)


class ConfigurationChangesSerializer(RequestSerializer):
    openmemory = OpenMemorySerializer(required=False, allow_null=True)
    mem0 = Mem0ChangesSerializer(required=False, allow_null=True)


def error_details(errors: Any, field: str = "") -> Iterator[tuple[str, str]]:
    """Yield the errors of a section's serializer, each with the name of its innermost field."""
    if isinstance(errors, dict):
        for name, inner in errors.items():
            yield from error_details(inner, name)
    else:
        yield from ((field, str(error)) for error in errors)
