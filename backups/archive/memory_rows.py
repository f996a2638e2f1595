"""The entities of an archive that make up a memory: its row, categories, changes and revisions.

See `rows` for the others and for what holds for all.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from core.visible_text import is_visible
from memories.lifecycle.attribution import find_actor, find_conversation
from memories.limits import MAX_CATEGORIES, MAX_NAME, MAX_TEXT_BYTES
from memories.models import State
from memories.models.fingerprint import fingerprint
from memories.own_keys import Address, InvalidAddress
from memories.search.search_vector import search_vector_text
from memories.taxonomy import InvalidCategoryName, normalize_category_name

from .columns import Json, Moment, Row, Tsvector
from .row_values import FormerTerms, Object, check_size, check_visible, dump_metadata

Attribution = Annotated[str, Meta(max_length=MAX_NAME)]
StateName = Literal["active", "paused", "archived", "deleted"]

MAX_ARRIVAL = 2**63 - 1  # of a bigint


class MemoryRow(Row, frozen=True, kw_only=True):
    not_staged = ("user_id", "archived_at", "deleted_at")

    id: UUID
    user_id: UUID | None = None
    app_id: UUID | None = None
    content: str
    metadata: Object | None = None
    state: StateName = "active"
    created_at: Moment
    updated_at: Moment | None = None
    archived_at: Moment | None = None  # when the state changed, if it is `archived`
    deleted_at: Moment | None = None  # the same of `deleted`
    category_ids: list[UUID] | None = None
    state_changed_at: Moment | None = None  # ours
    superseded_by: UUID | None = None  # ours: the memory of this archive that replaced it
    actor: Attribution | None = None  # ours: who said it, empty when unknown
    conversation: Attribution | None = None  # ours: empty when unknown
    agent_id: Attribution | None = None  # ours: empty when none
    namespace: Attribution | None = None  # ours: that of its own key, empty when none
    own_key: Attribution | None = None  # ours: the same
    # ours: the place in the order in which the memories of this archive arrived, from 1
    arrival: Annotated[int, Meta(ge=0, le=MAX_ARRIVAL)] | None = None
    # ours: the terms; without `immutable`, the archive is from a release that had none of them
    expires_at: Moment | None = None
    valid_from: Moment | None = None
    valid_until: Moment | None = None
    immutable: bool | None = None

    def stage_content(self) -> str:
        return check_size("content", check_visible("content", self.content), MAX_TEXT_BYTES)

    def stage_metadata(self) -> Json:
        return dump_metadata(self.metadata)

    def stage_updated_at(self) -> datetime:
        return self.updated_at or self.created_at

    def stage_state_changed_at(self) -> datetime:
        times = {"archived": self.archived_at, "deleted": self.deleted_at}
        return self.state_changed_at or times.get(self.state) or self.stage_updated_at()

    def stage_superseded_by(self) -> UUID | None:
        if self.superseded_by is not None and self.state in (State.ACTIVE, State.PAUSED):
            raise ValueError(f"`superseded_by` is given, although `state` is {self.state}")
        return self.superseded_by

    def stage_namespace(self) -> str:
        if not self.namespace and not self.own_key:
            return ""
        try:
            return Address.parse(self.namespace or "", self.own_key or "").namespace
        except InvalidAddress as error:
            raise ValueError(f"`namespace` or `own_key`: {error.detail}") from error

    def stage_own_key(self) -> str:
        return self.own_key or ""

    def stage_valid_until(self) -> datetime | None:
        if self.valid_from and self.valid_until and self.valid_until <= self.valid_from:
            raise ValueError("`valid_until` is not later than `valid_from`")
        return self.valid_until

    # Attributed by the metadata and the text where the archive does not say; None if these do not
    # say either.
    def stage_actor(self) -> str | None:
        if self.actor is not None:
            return self.actor if is_visible(self.actor) else ""
        return find_actor(self.content, self.metadata or {}) or None

    def stage_conversation(self) -> str | None:
        if self.conversation is not None:
            return self.conversation if is_visible(self.conversation) else ""
        return find_conversation(self.metadata or {}) or None

    def stage_fingerprint(self) -> bytes:
        return fingerprint(self.content)

    def stage_words(self) -> Tsvector:
        return Tsvector(search_vector_text(self.content, self.created_at))


class CategorizationRow(Row, frozen=True, kw_only=True):
    memory_id: UUID
    category_id: UUID


class StateChangeRow(Row, frozen=True, kw_only=True):
    """A change of a memory's state. The changes of one memory are in chronological order."""

    not_staged = ("begins",)

    id: UUID  # derived from the memory's id and the number of the change, so always the same
    memory_id: UUID
    changed_by: UUID | None = None
    old_state: StateName  # `deleted` where the memory began, as the original server has it
    new_state: StateName
    changed_at: Moment
    begins: bool = False  # ours: the memory began with this change, and had no state before
    reason: Annotated[str, Meta(max_length=255)] = ""  # ours
    app_id: UUID | None = None  # ours: that changed it
    superseded_by: UUID | None = None  # ours: the memory that replaced it with this change

    def stage_old_state(self) -> str:
        return "" if self.begins else self.old_state


class RevisionRow(Row, frozen=True, kw_only=True):
    """Ours: previous content of a memory. The revisions of a memory are in chronological order."""

    id: UUID  # derived as that of a change of state
    memory_id: UUID
    content: str
    edited_by: UUID | None = None
    edited_at: Moment
    edits_text: bool = True
    # What else it was before; null where the edit left it as it was.
    metadata: Object | None = None
    categories: Annotated[list[str], Meta(max_length=MAX_CATEGORIES)] | None = None  # by name
    actor: Attribution | None = None
    conversation: Attribution | None = None
    said_at: Moment | None = None
    app_id: UUID | None = None  # that edited it
    terms: FormerTerms | None = None  # those that the edit changed: times in seconds since 1970

    def stage_content(self) -> str:
        return check_size("content", self.content, MAX_TEXT_BYTES)

    def stage_metadata(self) -> Json | None:
        return None if self.metadata is None else dump_metadata(self.metadata)

    def stage_terms(self) -> Json | None:
        return None if self.terms is None else Json(msgspec.json.encode(self.terms).decode())

    def stage_categories(self) -> Json | None:
        if self.categories is None:
            return None
        try:
            names = [normalize_category_name(name) for name in self.categories]
        except InvalidCategoryName as error:
            raise ValueError(f"`categories`: {error.detail}") from error
        return Json(json.dumps(names))


class LineRow(Row, frozen=True, kw_only=True):
    """A line of `memories.jsonl.gz`: a memory for people to read, with names in place of ids.

    `created_at` and `updated_at` are written, but not read.
    """

    not_staged = ("content", "metadata", "app", "categories")

    id: UUID
    content: str
    metadata: Object | None = None
    state: StateName = "active"
    app: str | None = None
    categories: list[str] = []

    def stage_digest(self) -> UUID:
        digest = hashlib.md5(self.content.encode(), usedforsecurity=False).digest()
        return UUID(bytes=digest)
