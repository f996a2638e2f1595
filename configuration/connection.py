"""How an embedding model is reached that the configuration may no longer name.

Its vectors are searched until those of another model are complete, and may be gone back to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from . import effective, provider_keys
from .base_urls import origin
from .defaults import own_key
from .effective import EmbedderSettings
from .provider_keys import Key, Reference, SealedKey
from .providers.catalog import KNOWN, OLLAMA

OWN_KEY = own_key("embedder")


def stored(settings: EmbedderSettings) -> dict[str, Any]:
    """What to keep of these settings beside their vectors. A key is a reference, or sealed."""
    return {
        "api_key": settings.api_key.stored() if settings.api_key else None,
        "base_url": settings.base_url,
        "dimensions": settings.dimensions,
    }


def from_stored(provider: str, model: str, reach: Mapping[str, Any]) -> EmbedderSettings:
    base_url = reach.get("base_url")
    settings = EmbedderSettings(
        provider=provider,
        model=model,
        api_key=provider_keys.from_stored(reach.get("api_key")),
        ollama_base_url=base_url if provider == OLLAMA else None,
        openai_base_url=None if provider == OLLAMA else base_url,
        dimensions=reach.get("dimensions"),
    )
    if settings.api_key == OWN_KEY:
        return replace(settings, api_key=_present_key(settings))
    return settings


def renewed(reach: Mapping[str, Any]) -> dict[str, Any]:
    """The same, with the key encrypted with the present secret key where that is possible."""
    key = provider_keys.from_stored(reach.get("api_key"))
    return {**reach, "api_key": key.renewed().stored()} if isinstance(key, SealedKey) else {**reach}


def _present_key(settings: EmbedderSettings) -> Key | None:
    """What to send where EMBEDDER_API_KEY was: itself, as long as it is for the same server."""
    default = effective.embedder({"provider": settings.provider})
    if (default.api_key, default.origin) == (OWN_KEY, settings.origin):
        return OWN_KEY
    provider = KNOWN[settings.provider]
    if provider.key_variable and provider.base_url and settings.origin == origin(provider.base_url):
        return Reference(provider.key_variable)
    return None
