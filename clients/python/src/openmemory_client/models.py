"""What the server answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class Memory:
    id: str
    text: str
    created_at: datetime
    state: str = "active"
    app_id: str = ""
    app_name: str = ""
    categories: list[str] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    superseded_by: str | None = None
    supersedes: list[str] = field(default_factory=list)
    actor: str | None = None
    conversation: str | None = None
    expires_at: datetime | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    immutable: bool = False
    namespace: str | None = None
    key: str | None = None
    etag: str | None = None  # where one memory was asked for


@dataclass(frozen=True)
class Hit(Memory):
    """A memory that a search has found."""

    score: float = 0.0
    similarity: float = 0.0
    valid: bool = True


@dataclass(frozen=True)
class Stored:
    """What a write has done. `memory` is None for a key that may not read."""

    id: str
    event: str
    job: str | None
    memory: Memory | None


@dataclass(frozen=True)
class Found:
    """The results of a search, the best first."""

    hits: list[Hit]
    nothing_fits: bool


@dataclass(frozen=True)
class PromptText:
    """What is known, as a text for a prompt."""

    text: str
    memories: list[str]
    tokens: int


@dataclass(frozen=True)
class Namespace:
    namespace: str
    count: int


TIMES = ("created_at", "expires_at", "valid_from", "valid_until")
PLAIN = (
    "id", "state", "app_id", "app_name", "categories", "superseded_by", "supersedes", "actor",
    "conversation", "immutable", "namespace", "key",
)  # fmt: skip


def read_memory(data: Mapping[str, Any], etag: str | None = None) -> Memory:
    return Memory(**_fields(data), etag=etag)


def read_hit(data: Mapping[str, Any]) -> Hit:
    scores = {name: data[name] for name in ("score", "similarity", "valid")}
    return Hit(**_fields(data), **scores)


def read_stored(data: Mapping[str, Any], etag: str | None = None, event: str = "") -> Stored:
    memory = read_memory(data, etag) if "state" in data else None
    return Stored(data["id"], data.get("event") or event, data.get("job"), memory)


def _fields(data: Mapping[str, Any]) -> dict[str, Any]:
    fields = {name: data[name] for name in PLAIN if name in data}
    fields |= {name: _time(data[name]) for name in TIMES if name in data}
    text = data["text"] if "text" in data else data["content"]
    return {**fields, "text": text, "metadata": data.get("metadata_") or {}}


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
