"""Read what a client of Mem0 sends to be remembered."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts.models.user import validate_time_zone
from core.api.fields import CLOCK_TOLERANCE
from core.errors import Malformed
from core.visible_text import is_visible
from memories.lifecycle.guidance import Guidance
from memories.lifecycle.remember import NewMemory
from memories.limits import (
    MAX_BULK,
    MAX_METADATA_BYTES,
    MAX_NAME,
    MAX_SPEAKER_NAME,
    MAX_TEXT_BYTES,
)
from memories.models import Terms

from .filter_condition import ENTITIES
from .filter_fields import read_day, read_moment
from .memory_shape import end_of_day
from .tenant import WILDCARD

# What is said to a model, or by a tool, is no memory.
STORED_ROLES = ("user", "assistant")
ROLES = (*STORED_ROLES, "system", "developer", "tool", "function")


class NobodyNamed(Malformed):
    """At least one of the filters: agent_id, user_id, app_id, run_id is required!"""

    code = "nobody_named"


@dataclass(frozen=True)
class NamedScope:
    """The ids of a memory that a body names; None where it does not."""

    user_id: str | None = None
    agent_id: str | None = None
    app_id: str | None = None
    run_id: str | None = None

    def named(self) -> dict[str, str]:
        """The ids that are named, by their fields."""
        values = {name: getattr(self, name) for name in ENTITIES}
        return {name: value for name, value in values.items() if value is not None}


def read_scope(body: Mapping[str, Any]) -> NamedScope:
    """Read the ids at the top of a body or in its `filters`. Raises NobodyNamed and Malformed."""
    found: dict[str, str] = {}
    for name, value in [*body.items(), *_flatten(body.get("filters"))]:
        if name not in ENTITIES or value is None or value == "":
            continue
        if not isinstance(value, str) or len(value) > MAX_NAME:
            raise Malformed(f"`{name}` is a string of at most {MAX_NAME} characters.", field=name)
        if value == WILDCARD:
            raise Malformed(f"`{name}` cannot be `*`: name one.", field=name)
        if not is_visible(value):
            raise Malformed(f"`{name}` needs a character that can be seen.", field=name)
        if found.setdefault(name, value) != value:
            raise Malformed(f"`{name}` is sent twice, with two values.", field=name)
    if not found:
        raise NobodyNamed
    return NamedScope(**found)


def _flatten(filters: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """The fields of filters that only say AND. Raises Malformed."""
    if filters is None:
        return
    if not isinstance(filters, Mapping) or depth > 8:
        raise Malformed("`filters` is an object of ids.", field="filters")
    for name, value in filters.items():
        if name == "AND" and isinstance(value, list):
            for part in value:
                yield from _flatten(part, depth + 1)
        elif name in ENTITIES:
            yield name, value
        else:
            raise Malformed(f"`filters` of an add takes ids alone, not {name[:50]!r}.")


def read_messages(
    body: Mapping[str, Any], scope: NamedScope, guidance: Guidance
) -> list[NewMemory]:
    """Read the memories to store, one for each message that is one. Raises Malformed."""
    metadata = read_metadata(body.get("metadata")) or {}
    day = body.get("expiration_date")
    template = NewMemory(
        "",
        infer=read_flag(body, "infer", default=True),
        metadata=metadata,
        conversation=scope.run_id,
        agent_id=scope.agent_id or "",
        once_in_scope=True,
        guidance=guidance,
        learned_at=_read_said_at(body),
        terms=Terms(
            expires_at=None if day is None else end_of_day(read_day("expiration_date", day)),
            immutable=read_flag(body, "immutable", default=False),
        ),
    )
    return [
        replace(template, text=text, actor=name) for text, name in _read_texts(body.get("messages"))
    ]


def _read_texts(messages: Any) -> list[tuple[str, str | None]]:
    """The text and the named speaker of each message to store."""
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    elif isinstance(messages, Mapping):
        messages = [messages]
    if not isinstance(messages, list) or not 0 < len(messages) <= MAX_BULK:
        raise Malformed(f"`messages` is a list of 1 to {MAX_BULK:,} messages.", field="messages")
    texts = []
    for message in messages:
        if not isinstance(message, Mapping) or "content" not in message:
            raise Malformed("Each message has a `role` and a `content`.", field="messages")
        role, name = message.get("role", "user"), message.get("name")
        if role not in ROLES:
            raise Malformed(f"`role` is one of {', '.join(ROLES)}.", field="messages")
        text = _read_content(message["content"])
        if role in STORED_ROLES and is_visible(text):
            texts.append((text, name[:MAX_SPEAKER_NAME] if isinstance(name, str) else None))
    return texts


def _read_content(content: Any) -> str:
    parts = content if isinstance(content, list) else [content]
    text = "\n".join(filter(None, map(_read_part, parts)))
    if len(text.encode()) > MAX_TEXT_BYTES:
        raise Malformed(f"A message has at most {MAX_TEXT_BYTES:,} bytes.", field="messages")
    return text


def _read_part(part: Any) -> str:
    """The text of a part of a message. Images and documents have none."""
    if part is None or isinstance(part, str):
        return part or ""
    if isinstance(part, Mapping) and isinstance(part.get("text", ""), str):
        return str(part.get("text", ""))
    raise Malformed("The `content` of a message is a text, or a list of parts.", field="messages")


def read_metadata(value: Any) -> dict[str, Any] | None:
    """Raises Malformed."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise Malformed("`metadata` is an object.", field="metadata")
    if len(json.dumps(value, ensure_ascii=False).encode()) > MAX_METADATA_BYTES:
        raise Malformed(f"`metadata` has at most {MAX_METADATA_BYTES:,} bytes.", field="metadata")
    return value


def read_timestamp(value: Any, *, zone: tzinfo = UTC) -> datetime:
    """When something was said. Raises InvalidFilters and Malformed."""
    moment = read_moment("timestamp", value, zone=zone)
    if moment > timezone.now() + CLOCK_TOLERANCE:
        raise Malformed("`timestamp` is in the future.", field="timestamp")
    return moment


def _read_said_at(body: Mapping[str, Any]) -> datetime | None:
    """When the messages were said, if a body says it. Raises InvalidFilters and Malformed."""
    if body.get("timestamp") is not None:
        return read_timestamp(body["timestamp"])
    observed = body.get("observation_datetime") or body.get("observation_date")
    if observed is None:
        return None
    name = body.get("timezone") or ""
    try:
        validate_time_zone(name)
    except (ValidationError, TypeError):
        raise Malformed("`timezone` is one such as Europe/Berlin.", field="timezone") from None
    return read_timestamp(observed, zone=ZoneInfo(name or "UTC"))


def read_flag(body: Mapping[str, Any], name: str, *, default: bool) -> bool:
    """Raises Malformed."""
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise Malformed(f"`{name}` is true or false.", field=name)
    return value
