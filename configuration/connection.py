"""How to connect to the model of an embedding space.

Stored with the space, because the configuration may name another model by then: the vectors of the
former one are searched until a migration completes, and are kept for a rollback.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .base_urls import server_origin
from .catalog import OLLAMA, PROVIDERS
from .defaults import environment_key
from .effective import embedder_settings
from .model_settings import EmbedderSettings
from .provider_keys import EncryptedKey, Key, KeyReference, load_key

ENVIRONMENT_KEY = environment_key("embedder")


def dump_connection(settings: EmbedderSettings) -> dict[str, Any]:
    """The JSON to store for these settings. A key is a reference, or encrypted."""
    return {
        "api_key": settings.api_key.to_json() if settings.api_key else None,
        "base_url": settings.base_url,
        "dimensions": settings.dimensions,
        "batch_size": settings.batch_size,
    }


def load_settings(provider: str, model: str, connection: Mapping[str, Any]) -> EmbedderSettings:
    base_url = connection.get("base_url")
    settings = EmbedderSettings(
        provider=provider,
        model=model,
        api_key=load_key(connection.get("api_key")),
        ollama_base_url=base_url if provider == OLLAMA else None,
        openai_base_url=None if provider == OLLAMA else base_url,
        dimensions=connection.get("dimensions"),
        batch_size=connection.get("batch_size"),
    )
    if settings.api_key == ENVIRONMENT_KEY:
        return replace(settings, api_key=_replace_environment_key(settings))
    return settings


def reencrypt_connection(connection: Mapping[str, Any]) -> dict[str, Any]:
    """The same connection, its key encrypted with the current secret key where possible."""
    key = load_key(connection.get("api_key"))
    if isinstance(key, EncryptedKey):
        return {**connection, "api_key": key.reencrypted().to_json()}
    return {**connection}


def _replace_environment_key(settings: EmbedderSettings) -> Key | None:
    """EMBEDDER_API_KEY itself, as long as the environment means the same server by it."""
    default = embedder_settings({"provider": settings.provider})
    if (default.api_key, default.origin) == (ENVIRONMENT_KEY, settings.origin):
        return ENVIRONMENT_KEY
    provider = PROVIDERS[settings.provider]
    if not provider.key_variable or not provider.base_url:
        return None
    is_providers = settings.origin == server_origin(provider.base_url)
    return KeyReference(provider.key_variable) if is_providers else None
