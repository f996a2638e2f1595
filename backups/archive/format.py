"""What an archive holds: its members, and the shape of each thing in them.

`docs/backup-format.md` says the same for people. Ids are UUIDs and times are ISO 8601 in UTC with
`+00:00`, both as strings. A field that the original server knows has its name and its meaning;
the comment `ours` marks those that it does not know, and leaves alone.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, Final, Literal, TypedDict

FORMAT: Final = "openmemory-backup"
VERSION: Final = 1

ENTITIES: Final = "memories.json"
LINES: Final = "memories.jsonl.gz"
VECTORS: Final = "vectors.f16"
# The last member: it has the digests of all others.
MANIFEST: Final = "manifest.json"

# The lists of `memories.json`, in this order. Each entity stands on a line of its own.
LISTS: Final = (
    "apps",
    "categories",
    "memories",
    "memory_categories",
    "status_history",
    "access_controls",
    "revisions",
)

# A record of `vectors.f16`: the memory's id, then the numbers as IEEE 754 binary16, both
# big-endian. There is nothing before, between or after the records.
ID_BYTES: Final = 16
BYTES_A_NUMBER: Final = 2

StateName = Literal["active", "paused", "archived", "deleted"]


class UserRow(TypedDict):
    id: uuid.UUID
    user_id: str
    name: str | None
    email: str | None
    metadata: dict[str, Any] | None
    created_at: datetime
    updated_at: datetime


class AppRow(TypedDict):
    id: uuid.UUID
    owner_id: uuid.UUID
    name: str
    description: str | None
    metadata: dict[str, Any] | None
    is_active: bool
    created_at: datetime
    updated_at: datetime


class CategoryRow(TypedDict):
    id: uuid.UUID
    name: str
    description: str | None
    created_at: datetime
    updated_at: datetime


class MemoryRow(TypedDict):
    id: uuid.UUID
    user_id: uuid.UUID
    app_id: uuid.UUID
    content: str
    metadata: dict[str, Any] | None
    state: StateName
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None  # when it came into its state, if that is `archived`
    deleted_at: datetime | None  # the same of `deleted`
    category_ids: list[uuid.UUID]
    state_changed_at: datetime  # ours
    superseded_by: uuid.UUID | None  # ours: the memory of this archive that took its place
    actor: str  # ours: who said it, empty when that is unknown
    conversation: str  # ours: in which conversation, empty when none was named
    arrival: int  # ours: its number in the order in which those of this archive arrived, from 1


class CategorizationRow(TypedDict):
    memory_id: uuid.UUID
    category_id: uuid.UUID


class StateChangeRow(TypedDict):
    """A step in the life of a memory. Steps of one memory stand in the order they happened."""

    id: uuid.UUID  # made of the memory's id and the number of the step, so always the same
    memory_id: uuid.UUID
    changed_by: uuid.UUID | None
    old_state: StateName  # `deleted` where it began, as the original has it
    new_state: StateName
    changed_at: datetime
    begins: bool  # ours: the memory began with this step, and had no state before
    reason: str  # ours


class AccessControlRow(TypedDict):
    """An access rule: whether an app may read one memory, or all where `object_id` is null."""

    id: uuid.UUID
    subject_type: Literal["app"]
    subject_id: uuid.UUID
    object_type: Literal["memory"]
    object_id: uuid.UUID | None
    effect: Literal["allow", "deny"]
    created_at: datetime


class RevisionRow(TypedDict):
    """Ours: what a memory said until it was edited. Those of one memory stand oldest first."""

    id: uuid.UUID  # made as that of a step
    memory_id: uuid.UUID
    content: str
    edited_by: uuid.UUID | None
    edited_at: datetime


class ExportMeta(TypedDict):
    app_id_filter: uuid.UUID | None
    from_date: int | None  # seconds since 1970
    to_date: int | None
    version: Literal["1"]
    generated_at: datetime


class Entities(TypedDict):
    """The whole of `memories.json`."""

    user: UserRow
    apps: list[AppRow]
    categories: list[CategoryRow]
    memories: list[MemoryRow]
    memory_categories: list[CategorizationRow]
    status_history: list[StateChangeRow]
    access_controls: list[AccessControlRow]
    revisions: list[RevisionRow]
    export_meta: ExportMeta


class Line(TypedDict):
    """A line of `memories.jsonl.gz`: a memory in the words of people, with names for ids."""

    id: uuid.UUID
    content: str
    metadata: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    state: StateName
    app: str
    categories: list[str]


class MemberDigest(TypedDict):
    sha256: str  # of the member as it comes out of the ZIP, in lower-case hexadecimals
    size: int  # bytes of the same


class VectorSpace(TypedDict):
    """The space that the vectors lie in."""

    provider: str
    model: str
    dimensions: int


class ArchiveUser(TypedDict):
    id: uuid.UUID
    user_id: str


class Filters(TypedDict):
    app_id: uuid.UUID | None
    from_date: int | None
    to_date: int | None


class Manifest(TypedDict):
    format: str
    version: int
    created_at: datetime
    server: str
    user: ArchiveUser
    filters: Filters
    counts: dict[str, int]  # of each of LISTS, and of `vectors`
    members: dict[str, MemberDigest]  # every member but the manifest itself
    vectors: VectorSpace | None  # None when there is no such member
