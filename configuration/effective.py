"""The configuration in force, read from the database whenever it is needed.

It is never kept in the process: a change counts from the next request on, in every process.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import base_urls, defaults
from .models import Configuration
from .provider_keys import Key, from_stored
from .providers.catalog import KNOWN, LOCAL, OLLAMA


@dataclass(frozen=True)
class ModelSettings:
    """Which model to use, and how it is reached."""

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
        """Where requests go, None when nothing leaves this process."""
        if self.is_local:
            return None
        chosen = self.ollama_base_url if self.provider == OLLAMA else self.openai_base_url
        return (chosen or KNOWN[self.provider].base_url or "").rstrip("/")

    @property
    def origin(self) -> str | None:
        return base_urls.origin(self.base_url) if self.base_url else None

    def resolve_key(self) -> str | None:
        """The key to send, None when none is configured. Raises KeyMissing or KeyLost."""
        return self.api_key.resolve() if self.api_key and not self.is_local else None


@dataclass(frozen=True)
class LlmSettings(ModelSettings):
    """The language model. `local` stands for none: memories are kept as they were sent."""

    temperature: float
    max_tokens: int


@dataclass(frozen=True)
class EmbedderSettings(ModelSettings):
    """The embedding model. Dimensions of None are the model's own."""

    dimensions: int | None


@dataclass(frozen=True)
class Settings:
    llm: LlmSettings
    embedder: EmbedderSettings
    custom_instructions: str | None


def current() -> Settings:
    """Read the configuration in force, with one statement."""
    return in_force(Configuration.objects.first() or Configuration())


def in_force(configuration: Configuration) -> Settings:
    return Settings(
        llm=llm(configuration.llm),
        embedder=embedder(configuration.embedder),
        custom_instructions=configuration.openmemory.get("custom_instructions"),
    )


def llm(chosen: Mapping[str, Any]) -> LlmSettings:
    return LlmSettings(**_completed("llm", chosen))


def embedder(chosen: Mapping[str, Any]) -> EmbedderSettings:
    return EmbedderSettings(**_completed("embedder", chosen))


def _completed(kind: defaults.Kind, chosen: Mapping[str, Any]) -> dict[str, Any]:
    values = {field: chosen.get(field, value) for field, value in defaults.of(kind, chosen).items()}
    return {**values, "api_key": from_stored(values["api_key"])}
