"""What is accepted of each entity: more than we write, as the original server wrote it, too.

Where it wrote null, or nothing, there is a default. What is checked here is one row by itself.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

import msgspec
from msgspec import Meta
from msgspec.structs import force_setattr

from memories.lifecycle.attribution import find_actor, find_conversation
from memories.limits import MAX_METADATA_BYTES, MAX_NAME, MAX_TEXT_BYTES
from memories.models import State
from memories.models.memory import fingerprint

from .format import StateName

Moment = Annotated[datetime, Meta(tz=True)]
Name = Annotated[str, Meta(min_length=1, max_length=255)]
Attribution = Annotated[str, Meta(max_length=MAX_NAME)]
Object = dict[str, Any]

MAX_ARRIVAL = 2**63 - 1  # of a bigint

_ZEROS = re.compile("0{16,}")

# As times are elsewhere in the API: not before 1970, and not so late that there is no day after.
FIRST_YEAR, LAST_YEAR = 1970, 9998
_FIRST, _END = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC), datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC)


class Row(msgspec.Struct, frozen=True):
    """An entity. Its `columns`, of PostgreSQL's types, are in the order of `values()`.

    `derives` names the ids that stand for others where a row is taken over by another user.
    """

    columns: ClassVar[str]
    derives: ClassVar[tuple[str, ...]] = ()
    times: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for name in self.times:
            time = getattr(self, name)
            if time is None:
                continue
            # In UTC, as they are kept: elsewhere it may be another year.
            if not _FIRST <= time < _END:
                raise ValueError(f"`{name}` is not between {FIRST_YEAR} and {LAST_YEAR}")
            if time.tzinfo is not UTC:
                # PostgreSQL reads no offset of 16 hours or more.
                force_setattr(self, name, time.astimezone(UTC))

    def values(self) -> tuple[Any, ...]:
        """Give what is kept of it. Raises ValueError for what is too large."""
        raise NotImplementedError


class UserRow(Row, frozen=True):
    id: UUID
    user_id: Name
    name: Annotated[str, Meta(max_length=255)] | None = None
    email: Annotated[str, Meta(max_length=254)] | None = None
    metadata: Object | None = None

    def values(self) -> tuple[str, str, Object]:
        dump_metadata(self.metadata)
        return self.name or "", self.email or "", self.metadata or {}


class AppRow(Row, frozen=True):
    columns = (
        "id uuid, name text, description text, metadata jsonb, is_active bool, created_at"
        " timestamptz, updated_at timestamptz"
    )
    times = ("created_at", "updated_at")
    derives = ("id",)

    id: UUID
    name: Name
    created_at: Moment
    owner_id: UUID | None = None
    description: str | None = None
    metadata: Object | None = None
    is_active: bool = True
    updated_at: Moment | None = None

    def values(self) -> tuple[Any, ...]:
        described = check_size("description", self.description or "", MAX_TEXT_BYTES)
        metadata = dump_metadata(self.metadata)
        updated = self.updated_at or self.created_at
        return (self.id, self.name, described, metadata, self.is_active, self.created_at, updated)


class CategoryRow(Row, frozen=True):
    columns = "id uuid, name text, description text, created_at timestamptz, updated_at timestamptz"
    times = ("created_at", "updated_at")

    id: UUID
    name: Annotated[str, Meta(min_length=1, max_length=100)]
    created_at: Moment
    # Short, as all users share it.
    description: Annotated[str, Meta(max_length=1000)] | None = None
    updated_at: Moment | None = None

    def values(self) -> tuple[Any, ...]:
        described = self.description or ""
        return (self.id, self.name, described, self.created_at, self.updated_at or self.created_at)


class MemoryRow(Row, frozen=True):
    columns = (
        "id uuid, app_id uuid, content text, metadata jsonb, state text, state_changed_at"
        " timestamptz, superseded_by uuid, category_ids uuid[], fingerprint bytea, actor text,"
        " conversation text, arrival bigint, created_at timestamptz, updated_at timestamptz"
    )
    times = ("created_at", "updated_at", "archived_at", "deleted_at", "state_changed_at")

    id: UUID
    content: str
    created_at: Moment
    user_id: UUID | None = None
    app_id: UUID | None = None
    metadata: Object | None = None
    state: StateName = "active"
    updated_at: Moment | None = None
    archived_at: Moment | None = None
    deleted_at: Moment | None = None
    category_ids: list[UUID] | None = None
    state_changed_at: Moment | None = None
    superseded_by: UUID | None = None
    actor: Attribution | None = None
    conversation: Attribution | None = None
    arrival: Annotated[int, Meta(ge=0, le=MAX_ARRIVAL)] | None = None

    def values(self) -> tuple[Any, ...]:
        content = check_size("content", self.content, MAX_TEXT_BYTES)
        actor, conversation = self._said()
        if self.superseded_by is not None and self.state in (State.ACTIVE, State.PAUSED):
            raise ValueError(f"`superseded_by` is given, and yet it is {self.state}")
        updated = self.updated_at or self.created_at
        since = {"archived": self.archived_at, "deleted": self.deleted_at}.get(self.state)
        return (
            self.id,
            self.app_id,
            content,
            dump_metadata(self.metadata),
            self.state,
            self.state_changed_at or since or updated,
            self.superseded_by,
            self.category_ids,
            fingerprint(content),
            actor,
            conversation,
            self.arrival,
            self.created_at,
            updated,
        )

    def _said(self) -> tuple[str | None, str | None]:
        """Who said it, and in which conversation; None where neither is stated nor made out."""
        actor, conversation = self.actor, self.conversation
        if actor is None:
            actor = find_actor(self.content, self.metadata or {}) or None
        if conversation is None:
            conversation = find_conversation(self.metadata or {}) or None
        return actor, conversation


class CategorizationRow(Row, frozen=True):
    columns = "memory_id uuid, category_id uuid"

    memory_id: UUID
    category_id: UUID

    def values(self) -> tuple[Any, ...]:
        return self.memory_id, self.category_id


class StateChangeRow(Row, frozen=True):
    columns = (
        "id uuid, memory_id uuid, changed_by uuid, old_state text, new_state text,"
        " changed_at timestamptz, reason text"
    )
    times = ("changed_at",)

    id: UUID
    memory_id: UUID
    old_state: StateName
    new_state: StateName
    changed_at: Moment
    changed_by: UUID | None = None
    begins: bool = False
    reason: Annotated[str, Meta(max_length=255)] = ""

    def values(self) -> tuple[Any, ...]:
        old = "" if self.begins else self.old_state
        return (
            self.id,
            self.memory_id,
            self.changed_by,
            old,
            self.new_state,
            self.changed_at,
            self.reason,
        )


class AccessControlRow(Row, frozen=True):
    """Subjects and objects of other types were in the original's database, but meant nothing."""

    columns = (
        "id uuid, app_id uuid, memory_id uuid, effect text, created_at timestamptz, understood bool"
    )
    times = ("created_at",)
    derives = ("id", "object_id")

    id: UUID
    subject_type: str
    object_type: str
    created_at: Moment
    effect: str
    subject_id: UUID | None = None
    object_id: UUID | None = None

    def values(self) -> tuple[Any, ...]:
        understood = (self.subject_type, self.object_type) == ("app", "memory")
        if understood and self.effect not in ("allow", "deny"):
            raise ValueError("`effect` is neither allow nor deny")
        if understood and self.subject_id is None:
            raise ValueError("`subject_id` is missing")
        effect = self.effect if understood else ""
        return self.id, self.subject_id, self.object_id, effect, self.created_at, understood


class RevisionRow(Row, frozen=True):
    columns = "id uuid, memory_id uuid, content text, edited_by uuid, edited_at timestamptz"
    times = ("edited_at",)

    id: UUID
    memory_id: UUID
    content: str
    edited_at: Moment
    edited_by: UUID | None = None

    def values(self) -> tuple[Any, ...]:
        content = check_size("content", self.content, MAX_TEXT_BYTES)
        return self.id, self.memory_id, content, self.edited_by, self.edited_at


class LineRow(Row, frozen=True):
    """A line of `memories.jsonl.gz`, which says again what the memory of this id says."""

    columns = "id uuid, digest uuid, state text"

    id: UUID
    content: str
    state: StateName = "active"
    metadata: Object | None = None
    app: str | None = None
    categories: list[str] = []

    def values(self) -> tuple[Any, ...]:
        digest = hashlib.md5(self.content.encode(), usedforsecurity=False).digest()
        return self.id, UUID(bytes=digest), self.state


def check_size(name: str, text: str, most: int) -> str:
    if len(text) * 4 > most and len(text.encode()) > most:
        raise ValueError(f"`{name}` has more than {most} bytes")
    return text


def dump_metadata(metadata: Object | None) -> str:
    """Write metadata as JSON. Raises ValueError when it has more bytes than the API accepts.

    PostgreSQL writes 1e308 with all its zeros, which were not counted when it was sent.
    """
    text = json.dumps(metadata or {}, ensure_ascii=False, separators=(",", ":"))
    if len(text) * 4 > MAX_METADATA_BYTES:
        check_size("metadata", _ZEROS.sub("", text), MAX_METADATA_BYTES)
    return text
