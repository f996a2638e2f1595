"""The configuration in force, as plain values."""

from __future__ import annotations

from dataclasses import dataclass

from .base_urls import server_origin
from .catalog import LOCAL, OLLAMA, PROVIDERS
from .key_destinations import ensure_key_may_be_sent
from .provider_keys import Key


@dataclass(frozen=True)
class ModelSettings:
    """Which model to use, and how to connect to it."""

    provider: str
    model: str | None
    api_key: Key | None
    ollama_base_url: str | None
    openai_base_url: str | None

    @property
    def is_local(self) -> bool:
        return self.provider == LOCAL

    @property
    def base_url(self) -> str | None:
        """Where requests go. None for a local model: nothing leaves this process."""
        if self.is_local:
            return None
        configured = self.ollama_base_url if self.provider == OLLAMA else self.openai_base_url
        return (configured or PROVIDERS[self.provider].base_url or "").rstrip("/")

    @property
    def origin(self) -> str | None:
        return server_origin(self.base_url) if self.base_url else None

    def resolve_key(self) -> str | None:
        """The key to send, None if none is configured.

        Raises KeyWithheld, KeyMissing or KeyLost.
        """
        if self.api_key is None or self.is_local:
            return None
        ensure_key_may_be_sent(self.api_key, self.origin)
        return self.api_key.resolve()


@dataclass(frozen=True)
class LlmSettings(ModelSettings):
    """The language model. `local` means none: memories are stored as they were sent.

    `num_ctx` and `think` are Ollama's; None means its own.
    """

    temperature: float
    max_tokens: int
    num_ctx: int | None
    think: bool | str | None


@dataclass(frozen=True)
class EmbedderSettings(ModelSettings):
    """The embedding model. `dimensions` of None means the model's own.

    `batch_size` is the most texts to send at once, None as many as the server takes.
    """

    dimensions: int | None
    batch_size: int | None


@dataclass(frozen=True)
class Settings:
    llm: LlmSettings
    embedder: EmbedderSettings
    custom_instructions: str | None
