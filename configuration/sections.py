"""The sections of the configuration, their fields, and a change to one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

ModelSection = Literal["llm", "embedder"]
Section = Literal["llm", "embedder", "openmemory"]

# The values that operators have set in a section, by field. Other fields have their default.
Overrides = Mapping[str, Any]

_CONNECTION = ("api_key", "ollama_base_url", "openai_base_url")

# The fields that the API nests in a section's `config`.
CONFIG_FIELDS: dict[Section, tuple[str, ...]] = {
    "llm": ("model", "temperature", "max_tokens", "num_ctx", "think", *_CONNECTION),
    "embedder": ("model", "dimensions", "batch_size", *_CONNECTION),
    "openmemory": (),
}

SECTION_FIELDS: dict[Section, tuple[str, ...]] = {
    "llm": ("provider", *CONFIG_FIELDS["llm"]),
    "embedder": ("provider", *CONFIG_FIELDS["embedder"]),
    "openmemory": ("custom_instructions",),
}


@dataclass(frozen=True)
class SectionChange:
    """New values for fields of a section: None removes an override, an absent field stays."""

    section: Section
    fields: Mapping[str, Any]

    @classmethod
    def reset(cls, section: Section) -> SectionChange:
        """Remove all overrides of a section."""
        return cls(section, dict.fromkeys(SECTION_FIELDS[section]))
