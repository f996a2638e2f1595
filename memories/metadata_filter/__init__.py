"""Filters on the metadata of memories: one grammar, wherever memories are filtered.

docs/filters.md describes it, and says what is equal to what.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from .grammar import InvalidFilter, parse
from .jsonb_condition import build_condition
from .nodes import Node

__all__ = ["InvalidFilter", "MetadataFilter"]


@dataclass(frozen=True)
class MetadataFilter:
    """A filter as it was sent, and what it means. An empty one keeps everything."""

    source: Mapping[str, Any]
    root: Node

    @classmethod
    def parse(cls, source: Mapping[str, Any]) -> MetadataFilter:
        """Raises InvalidFilter."""
        return cls(source, parse(source))

    def __bool__(self) -> bool:
        return bool(self.source)

    def condition(self) -> Q:
        """Return the condition on memories: always true or false, never null."""
        return build_condition(self.root)
