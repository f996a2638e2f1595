"""What holds where no operator has chosen: the environment's word, then the provider's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from django.conf import settings

from .provider_keys import PREFIX, Reference
from .providers.catalog import KNOWN, LOCAL, LOCAL_DIMENSIONS, OLLAMA, Provider

Kind = Literal["llm", "embedder"]


def of(kind: Kind, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """The default of every field of a section, given what is chosen in it.

    The environment's model, address and key belong to the environment's provider: another
    provider gets none of them, and no default key goes to an address that an operator chose.
    """
    said = settings.MODEL_DEFAULTS[kind]
    provider = KNOWN[chosen.get("provider", said["provider"])]
    is_said = provider.name == said["provider"]
    used = "ollama_base_url" if provider.name == OLLAMA else "openai_base_url"
    # None stands for the provider's own address.
    addresses = {"ollama_base_url": settings.OLLAMA_BASE_URL or None, "openai_base_url": None}
    if is_said and said["base_url"] and provider.name != LOCAL:
        addresses[used] = said["base_url"]
    return {
        "provider": said["provider"],
        "model": _model(kind, provider, said["model"] if is_said else ""),
        "api_key": _key(kind, provider, is_said) if _is(chosen, used, addresses) else None,
        **addresses,
        **_numbers(kind, provider),
    }


def own_key(kind: Kind) -> Reference:
    """Where the environment has the key for the provider that it names."""
    return Reference(f"{kind.upper()}_API_KEY")


def _is(chosen: Mapping[str, Any], field: str, values: Mapping[str, Any]) -> bool:
    return bool(chosen.get(field, values[field]) == values[field])


def _model(kind: Kind, provider: Provider, said: str) -> str | None:
    if kind == "llm":
        return None if provider.name == LOCAL else said or provider.llm_model
    return said or provider.embedding_model


def _key(kind: Kind, provider: Provider, is_said: bool) -> str | None:
    """A reference, shown though its variable may not be set: it says where a key is looked for."""
    if provider.name == LOCAL:
        return None
    ours = own_key(kind)
    if is_said and ours.is_set():
        return ours.stored()
    return f"{PREFIX}{provider.key_variable}" if provider.key_variable else None


def _numbers(kind: Kind, provider: Provider) -> dict[str, Any]:
    if kind == "llm":
        return {"temperature": 0.1, "max_tokens": 2000}
    return {"dimensions": LOCAL_DIMENSIONS if provider.name == LOCAL else None}
