"""Read the YAML in front of a note, which anybody may have written."""

from __future__ import annotations

from typing import Any

import yaml

MAX_CHARACTERS = 64 * 1024
MAX_DEPTH = 16

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_OPENING = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_CLOSING = (yaml.MappingEndEvent, yaml.SequenceEndEvent)


def read_front(front: str) -> dict[str, Any] | None:
    """The fields of front matter, None if it is no YAML, or YAML made to do harm."""
    if len(front) > MAX_CHARACTERS:
        return None
    try:
        if not _is_harmless(front):
            return None
        value = yaml.load(front, Loader=_Loader)  # noqa: S506 - a safe loader
    # Dates that do not exist and numbers without end are ValueErrors.
    except (yaml.YAMLError, ValueError, RecursionError, TypeError):
        return None
    if value is None:
        return {}
    if not isinstance(value, dict):
        return None
    return {str(name): each for name, each in value.items()}


def _is_harmless(front: str) -> bool:
    """An alias can repeat a text a billion times, and deep nesting exhaust the stack."""
    depth = 0
    for event in yaml.parse(front, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            return False
        depth += isinstance(event, _OPENING) - isinstance(event, _CLOSING)
        if depth > MAX_DEPTH:
            return False
    return True
