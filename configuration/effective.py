"""The configuration in force: operators' overrides, else the defaults.

It is read from the database on each use and never cached in the process, so a change takes effect
with the next request, in every process.
"""

from __future__ import annotations

from typing import Any

from core.compiled_query import CompiledQuery

from .defaults import section_defaults
from .model_settings import EmbedderSettings, LlmSettings, ModelSettings, Settings
from .models import Configuration
from .provider_keys import load_key
from .sections import ModelSection, Overrides

# Read with each store. There is one at most.
_stored = CompiledQuery(lambda: Configuration.objects.order_by("pk")[:1])


def current_settings() -> Settings:
    """Read the configuration in force, with one statement."""
    stored: list[Configuration] = _stored.fetch()
    return settings_from(stored[0] if stored else Configuration())


def settings_from(configuration: Configuration) -> Settings:
    return Settings(
        llm=llm_settings(configuration.llm),
        embedder=embedder_settings(configuration.embedder),
        custom_instructions=configuration.openmemory.get("custom_instructions"),
    )


def llm_settings(overrides: Overrides) -> LlmSettings:
    return LlmSettings(**_fill_in_defaults("llm", overrides))


def embedder_settings(overrides: Overrides) -> EmbedderSettings:
    return EmbedderSettings(**_fill_in_defaults("embedder", overrides))


def section_settings(section: ModelSection, overrides: Overrides) -> ModelSettings:
    return llm_settings(overrides) if section == "llm" else embedder_settings(overrides)


def _fill_in_defaults(section: ModelSection, overrides: Overrides) -> dict[str, Any]:
    defaults = section_defaults(section, overrides)
    values = {field: overrides.get(field, default) for field, default in defaults.items()}
    return {**values, "api_key": load_key(values["api_key"])}
