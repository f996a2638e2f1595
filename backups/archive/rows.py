"""The entities of an archive: one struct for each, from which its staging table is derived.

The fields are those of the JSON: see `docs/backup-format.md`. The comment `ours` marks those that
the original server ignores. A struct accepts more than this server writes: the original one wrote
null or left a field out where there is a default. Only the row itself is checked here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from accounts.models.user import MAX_CATEGORIES_NOT_KEPT
from memories.limits import (
    MAX_CATEGORY_DESCRIPTION,
    MAX_CATEGORY_NAME,
    MAX_TEXT_BYTES,
)
from memories.taxonomy import InvalidCategoryName, normalize_category_name

from .columns import Json, Moment, Row
from .memory_rows import CategorizationRow, MemoryRow, RevisionRow, StateChangeRow
from .row_values import (
    Object,
    check_size,
    check_visible,
    dump_metadata,
    dump_settings,
)

Name = Annotated[str, Meta(min_length=1, max_length=255)]


class UserRow(Row, frozen=True, kw_only=True):
    """The user of an archive. `created_at` and `updated_at` are written, but not read."""

    not_staged = (
        "id", "user_id", "name", "email", "time_zone", "infer", "categories_not_kept",
    )  # fmt: skip

    id: UUID
    user_id: Name
    name: Annotated[str, Meta(max_length=255)] | None = None
    email: Annotated[str, Meta(max_length=254)] | None = None
    time_zone: Annotated[str, Meta(max_length=64)] = ""
    infer: bool = True
    categories_not_kept: Annotated[
        list[Annotated[str, Meta(max_length=100)]], Meta(max_length=MAX_CATEGORIES_NOT_KEPT)
    ] = []
    metadata: Object | None = None

    def stage_metadata(self) -> Json:
        return dump_metadata(self.metadata)


class AppRow(Row, frozen=True, kw_only=True):
    not_staged = ("owner_id",)
    derived_ids = ("id",)

    id: UUID
    owner_id: UUID | None = None
    name: Name
    description: str | None = None
    metadata: Object | None = None
    is_active: bool = True
    created_at: Moment
    updated_at: Moment | None = None

    def stage_name(self) -> str:
        return check_visible("name", self.name)

    def stage_description(self) -> str:
        return check_size("description", self.description or "", MAX_TEXT_BYTES)

    def stage_metadata(self) -> Json:
        return dump_metadata(self.metadata)

    def stage_updated_at(self) -> datetime:
        return self.updated_at or self.created_at


class CategoryRow(Row, frozen=True, kw_only=True):
    id: UUID
    name: Annotated[str, Meta(min_length=1, max_length=MAX_CATEGORY_NAME)]
    description: Annotated[str, Meta(max_length=MAX_CATEGORY_DESCRIPTION)] | None = None
    created_at: Moment
    updated_at: Moment | None = None

    def stage_stored_name(self) -> str:
        try:
            return normalize_category_name(self.name)
        except InvalidCategoryName as error:
            raise ValueError(f"`name`: {str(error.detail).removesuffix('.')}") from error

    def stage_description(self) -> str:
        return self.description or ""

    def stage_updated_at(self) -> datetime:
        return self.updated_at or self.created_at


class AccessControlRow(Row, frozen=True, kw_only=True):
    """An access rule: whether an app may read one memory, or all of them where there is no id.

    The original server's database has subjects and objects of other types, which mean nothing.
    """

    not_staged = ("subject_type", "object_type")
    derived_ids = ("id", "memory_id")

    id: UUID
    subject_type: str
    app_id: UUID | None = msgspec.field(default=None, name="subject_id")
    object_type: str
    memory_id: UUID | None = msgspec.field(default=None, name="object_id")
    effect: str
    created_at: Moment

    def stage_understood(self) -> bool:
        return (self.subject_type, self.object_type) == ("app", "memory")

    def stage_app_id(self) -> UUID | None:
        if self.app_id is None and self.stage_understood():
            raise ValueError("`subject_id` is missing")
        return self.app_id

    def stage_effect(self) -> str:
        if not self.stage_understood():
            return ""
        if self.effect not in ("allow", "deny"):
            raise ValueError("`effect` is neither allow nor deny")
        return self.effect


class FeedbackRow(Row, frozen=True, kw_only=True):
    """Ours: what a program thinks of a memory."""

    memory_id: UUID
    verdict: Literal["POSITIVE", "NEGATIVE", "VERY_NEGATIVE"]
    reason: Annotated[str, Meta(max_length=2000)] = ""
    given_at: Moment


class EntityRow(Row, frozen=True, kw_only=True):
    """Ours: an agent, an app or a run that a program has named."""

    kind: Literal["agent", "app", "run"]
    name: Name
    created_at: Moment
    updated_at: Moment

    def stage_name(self) -> str:
        return check_visible("name", self.name)


class ProjectRow(Row, frozen=True, kw_only=True):
    """Ours: the settings that programs keep with an account."""

    settings: Object
    profiles: Object

    def stage_settings(self) -> Json:
        return dump_settings("settings", self.settings)

    def stage_profiles(self) -> Json:
        return dump_settings("profiles", self.profiles)


# The lists of `memories.json`, in this order. Each entity has a line of its own.
LISTS: dict[str, type[Row]] = {
    "apps": AppRow,
    "categories": CategoryRow,
    "memories": MemoryRow,
    "memory_categories": CategorizationRow,
    "status_history": StateChangeRow,
    "access_controls": AccessControlRow,
    "revisions": RevisionRow,
    "feedback": FeedbackRow,
    "entities": EntityRow,
    "project": ProjectRow,
}

# Of which archives of earlier releases know nothing.
LATER_LISTS = ("feedback", "entities", "project")
