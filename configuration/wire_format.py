"""The nested shape that clients see, and the flat sections that are kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .effective import ModelSettings, Settings

# What a section is called here, and where it stands in the whole configuration.
PLACES: dict[str, tuple[str, ...]] = {
    "llm": ("mem0", "llm"),
    "embedder": ("mem0", "embedder"),
    "openmemory": ("openmemory",),
}

_MODEL = ["model", "api_key", "ollama_base_url", "openai_base_url"]
CONFIG = {
    "llm": ["model", "temperature", "max_tokens", *_MODEL[1:]],
    "embedder": ["model", "dimensions", *_MODEL[1:]],
}

VECTOR_STORE = {"provider": "pgvector", "config": {}}


def place(section: str, field: str) -> tuple[str, ...]:
    """Where a field stands: `("mem0", "llm", "config", "model")`."""
    inner = ("config", field) if field in CONFIG.get(section, ()) else (field,)
    return (*PLACES[section], *inner)


def document(settings: Settings) -> dict[str, Any]:
    """The whole configuration as clients see it, secrets masked."""
    return {
        "openmemory": {"custom_instructions": settings.custom_instructions},
        "mem0": {
            "llm": _model_section("llm", settings.llm),
            "embedder": _model_section("embedder", settings.embedder),
            "vector_store": VECTOR_STORE,
        },
    }


def _model_section(section: str, settings: ModelSettings) -> dict[str, Any]:
    config = {field: getattr(settings, field) for field in CONFIG[section]}
    config["api_key"] = settings.api_key.shown() if settings.api_key else None
    return {"provider": settings.provider, "config": config}


def fields_of(section: str) -> list[str]:
    return ["provider", *CONFIG[section]] if section in CONFIG else ["custom_instructions"]


def sections_in(body: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any] | None]]:
    """The sections that a whole configuration, as a client sent it, has anything about."""
    for section, (outer, *inner) in PLACES.items():
        if outer not in body:
            continue
        value = body[outer]
        if not inner or value is None:
            yield section, value
        elif inner[0] in value:
            yield section, value[inner[0]]


def replacing(section: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """Every field of the section: what was not sent goes back to its default, as null does."""
    sent = {**value, **(value.get("config") or {})}
    return {field: sent.get(field) for field in fields_of(section)}


def merging(section: str, value: Mapping[str, Any] | None) -> dict[str, Any]:
    """The fields that were sent. Null for a section stands for null for all that is in it."""
    if value is None:
        return dict.fromkeys(fields_of(section))
    fields = {field: value[field] for field in fields_of(section) if field in value}
    if "config" in value:
        fields |= value["config"] or dict.fromkeys(CONFIG[section])
    return fields
