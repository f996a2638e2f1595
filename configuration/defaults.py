"""The defaults: what the environment sets, else what the provider's catalog entry has."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from .catalog import LOCAL, LOCAL_DIMENSIONS, OLLAMA, PROVIDERS, Provider
from .provider_keys import PREFIX, KeyReference
from .sections import ModelSection, Overrides


def section_defaults(section: ModelSection, overrides: Overrides) -> dict[str, Any]:
    """The default of every field of a section, which depends on the overrides.

    The environment's model, base URL and key belong to the environment's provider: another
    provider gets none of them. No default key is sent to a base URL that an operator has set.
    """
    environment = settings.MODEL_DEFAULTS[section]
    provider = PROVIDERS[overrides.get("provider", environment["provider"])]
    uses_environment = provider.name == environment["provider"]
    base_url_field = "ollama_base_url" if provider.name == OLLAMA else "openai_base_url"
    # None stands for the provider's own base URL.
    base_urls = {"ollama_base_url": settings.OLLAMA_BASE_URL or None, "openai_base_url": None}
    if uses_environment and environment["base_url"] and provider.name != LOCAL:
        base_urls[base_url_field] = environment["base_url"]
    base_url = base_urls[base_url_field]
    has_default_url = overrides.get(base_url_field, base_url) == base_url
    return {
        "provider": environment["provider"],
        "model": _default_model(
            section, provider, environment["model"] if uses_environment else ""
        ),
        "api_key": _default_key(section, provider, uses_environment) if has_default_url else None,
        **base_urls,
        **_default_parameters(section, provider),
    }


def environment_key(section: ModelSection) -> KeyReference:
    """The variable that holds the key of the environment's provider."""
    return KeyReference(f"{section.upper()}_API_KEY")


def _default_model(section: ModelSection, provider: Provider, from_environment: str) -> str | None:
    if section == "llm":
        return None if provider.name == LOCAL else from_environment or provider.llm_model
    return from_environment or provider.embedding_model


def _default_key(section: ModelSection, provider: Provider, uses_environment: bool) -> str | None:
    """A reference, even if its variable is not set: it shows where the key is looked up."""
    if provider.name == LOCAL:
        return None
    reference = environment_key(section)
    if uses_environment and reference.is_set():
        return reference.to_json()
    return f"{PREFIX}{provider.key_variable}" if provider.key_variable else None


def _default_parameters(section: ModelSection, provider: Provider) -> dict[str, Any]:
    if section == "llm":
        return {"temperature": 0.1, "max_tokens": 2000, "num_ctx": None, "think": None}
    return {"dimensions": LOCAL_DIMENSIONS if provider.name == LOCAL else None, "batch_size": None}
