"""Check, when the server starts, what the environment says about models."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from . import base_urls, effective, update
from .defaults import Kind
from .providers.catalog import EMBEDDER_PROVIDERS, LLM_PROVIDERS


def ensure_valid() -> None:
    """Raises ImproperlyConfigured, which names every variable that is wrong."""
    faults = [
        *_faults("llm", LLM_PROVIDERS),
        *_faults("embedder", EMBEDDER_PROVIDERS),
        *_address_faults("OLLAMA_BASE_URL", settings.OLLAMA_BASE_URL),
    ]
    if faults:
        raise ImproperlyConfigured(" ".join(faults))


def _faults(kind: Kind, providers: list[str]) -> Iterator[str]:
    said, prefix = settings.MODEL_DEFAULTS[kind], kind.upper()
    if said["provider"] not in providers:
        known = ", ".join(providers)
        yield f"{prefix}_PROVIDER={said['provider']!r} is not one of {known}."
    else:
        in_force = effective.llm({}) if kind == "llm" else effective.embedder({})
        for wrong in update.model_wrongs(kind, in_force):
            yield f"{prefix}_{wrong.field.upper()}: {wrong.detail}"
    yield from _address_faults(f"{prefix}_BASE_URL", said["base_url"])


def _address_faults(variable: str, url: str) -> Iterator[str]:
    fault = base_urls.fault(url) if url else None
    if fault:
        # Not the URL itself: what is wrong with it may be the password in it.
        yield f"{variable}: {fault}"
