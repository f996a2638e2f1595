"""Validate the environment's model settings at startup."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from .base_urls import check_base_url
from .catalog import EMBEDDER_PROVIDERS, LLM_PROVIDERS
from .effective import section_settings
from .key_destinations import check_listed_variable
from .sections import ModelSection
from .validation import validate_model


def validate_environment() -> None:
    """Raises ImproperlyConfigured, which names every invalid variable."""
    errors = [
        *_section_errors("llm", LLM_PROVIDERS),
        *_section_errors("embedder", EMBEDDER_PROVIDERS),
        *_url_errors("OLLAMA_BASE_URL", settings.OLLAMA_BASE_URL),
        *_listed_key_errors(),
    ]
    if errors:
        raise ImproperlyConfigured(" ".join(errors))


def _section_errors(section: ModelSection, providers: list[str]) -> Iterator[str]:
    environment, prefix = settings.MODEL_DEFAULTS[section], section.upper()
    if environment["provider"] not in providers:
        choices = ", ".join(providers)
        yield f"{prefix}_PROVIDER={environment['provider']!r} is not one of {choices}."
    else:
        for error in validate_model(section, section_settings(section, {})):
            yield f"{prefix}_{error.field.upper()}: {error.detail}"
    yield from _url_errors(f"{prefix}_BASE_URL", environment["base_url"])


def _listed_key_errors() -> Iterator[str]:
    for variable in settings.ENV_KEYS:
        problem = check_listed_variable(variable)
        if problem:
            yield f"OPENMEMORY_ENV_KEYS: {problem}"


def _url_errors(variable: str, url: str) -> Iterator[str]:
    problem = check_base_url(url) if url else None
    if problem:
        # Without the URL itself: it may be invalid because of the password in it.
        yield f"{variable}: {problem}"
