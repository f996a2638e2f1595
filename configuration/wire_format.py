"""Convert between the API's nested configuration and the flat sections that are stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .model_settings import ModelSettings, Settings
from .sections import CONFIG_FIELDS, SECTION_FIELDS, ModelSection, Section, SectionChange

# Where each section is in the whole configuration.
SECTION_PATHS: dict[Section, tuple[str, ...]] = {
    "llm": ("mem0", "llm"),
    "embedder": ("mem0", "embedder"),
    "openmemory": ("openmemory",),
}

VECTOR_STORE = {"provider": "pgvector", "config": {}}


def field_path(section: Section, field: str) -> tuple[str, ...]:
    """The path of a field: `("mem0", "llm", "config", "model")`."""
    path = ("config", field) if field in CONFIG_FIELDS[section] else (field,)
    return (*SECTION_PATHS[section], *path)


def build_document(settings: Settings) -> dict[str, Any]:
    """The whole configuration as the API shows it, secrets masked."""
    return {
        "openmemory": {"custom_instructions": settings.custom_instructions},
        "mem0": {
            "llm": _model_document("llm", settings.llm),
            "embedder": _model_document("embedder", settings.embedder),
            "vector_store": VECTOR_STORE,
        },
    }


def _model_document(section: ModelSection, settings: ModelSettings) -> dict[str, Any]:
    config = {field: getattr(settings, field) for field in CONFIG_FIELDS[section]}
    config["api_key"] = settings.api_key.display() if settings.api_key else None
    return {"provider": settings.provider, "config": config}


def extract(document: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """The part of a document at a path."""
    value: Any = document
    for name in path:
        value = value[name]
    return value


def split_sections(body: Mapping[str, Any]) -> Iterator[tuple[Section, Mapping[str, Any] | None]]:
    """The sections that the body of a request contains."""
    for section, (outer, *inner) in SECTION_PATHS.items():
        if outer not in body:
            continue
        value = body[outer]
        if not inner or value is None:
            yield section, value
        elif inner[0] in value:
            yield section, value[inner[0]]


def replace_section(section: Section, value: Mapping[str, Any]) -> SectionChange:
    """Set every field: one that was not sent, or is null, is reset to its default."""
    flat = {**value, **(value.get("config") or {})}
    return SectionChange(section, {field: flat.get(field) for field in SECTION_FIELDS[section]})


def merge_section(section: Section, value: Mapping[str, Any] | None) -> SectionChange:
    """Set the fields that were sent. Null for the section resets all of its fields."""
    if value is None:
        return SectionChange.reset(section)
    fields = {field: value[field] for field in SECTION_FIELDS[section] if field in value}
    if "config" in value:
        fields |= value["config"] or dict.fromkeys(CONFIG_FIELDS[section])
    return SectionChange(section, fields)
