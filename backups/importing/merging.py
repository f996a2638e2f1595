"""Bring what was staged into the tables of everybody, in the caller's transaction.

Which memory of the user a row is about: the one of its id, if they have it; else the one of its
derived id, if they have that; else a new one. The new one keeps its id where the archive is the
user's own and nobody has that id, and has the derived one otherwise.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.db import connection

from accounts.models import User
from apps_registry.acting import DEFAULT_APP
from backups.archive.errors import BadArchive
from backups.archive.format import ENTITIES
from memories.models import EmbeddingSpace

from . import overwriting
from . import statements as sql

# Rows that one statement stores: so that it ends soon, and keeps few checks of references waiting.
AT_ONCE = 20_000
IN_PARTS = ("memories", "status_history", "revisions", "memory_categories", "vectors")

# Any number that nothing else in this database locks, together with one for each user.
ADVISORY_LOCK = 5_190_514


class Mode(StrEnum):
    SKIP = "skip"
    OVERWRITE = "overwrite"


@dataclass
class Counts:
    """How many rows an import has made, changed or left as they were."""

    memories_created: int = 0
    memories_updated: int = 0
    memories_unchanged: int = 0
    apps_created: int = 0
    apps_updated: int = 0
    apps_unchanged: int = 0
    categories_created: int = 0
    categories_unchanged: int = 0
    access_rules_created: int = 0
    status_changes_created: int = 0
    revisions_created: int = 0
    vectors_taken_over: int = 0


@dataclass
class Merge:
    """One merging of what is staged. `source` is the user of the archive, by id.

    `own` is whether that is the user it goes into, `complete` whether it has every beginning of a
    history, and `space` where its vectors belong, if they are staged. `tell` is told the share
    that is done, and may raise.
    """

    user: User
    by: User
    mode: Mode
    source: uuid.UUID
    own: bool
    complete: bool
    space: EmbeddingSpace | None
    tell: Callable[[float], None]
    counts: Counts = field(default_factory=Counts)
    _no_app: uuid.UUID = field(default_factory=uuid.uuid4)
    _held: set[int] = field(default_factory=set)
    _rows: dict[str, int] = field(default_factory=dict)
    _done: int = 0

    def run(self) -> Counts:
        """Raises BadArchive, and IntegrityError when others have stored the same ids meanwhile."""
        # Of two imports of one user each sees what the other has made, or nothing of it.
        self._run("SELECT pg_advisory_xact_lock(%(lock)s, %(user_lock)s)")
        # Checked statement by statement, or all the checks would wait in memory for the end.
        self._run("SET CONSTRAINTS ALL IMMEDIATE")
        self._rows = self._count_rows()
        self._merge_apps()
        self._find_memories()
        self._add_memories()
        if self.mode is Mode.OVERWRITE:
            self._overwrite()
        self._add_histories()
        self.counts.access_rules_created = self._run(sql.ADD_RULES)
        # Last: until this is kept, whoever puts a memory into a category that is made here waits,
        # and so does who would search another space from now on.
        self._merge_categories()
        self._add_vectors()
        self.tell(1)
        return self.counts

    def lacks_vectors(self) -> bool:
        """Whether a memory that was taken, and is not deleted, has no vector in a space of all."""
        return any(self._one(sql.LACKS_VECTOR, in_space=space) for space in self._held)

    def _merge_apps(self) -> None:
        if self.mode is Mode.OVERWRITE:
            self.counts.apps_updated = self._run(sql.UPDATE_APPS)
        created = self._run(sql.ADD_APPS)
        there = self._one("SELECT count(*) FROM staged_apps") - created
        self.counts.apps_unchanged = there - self.counts.apps_updated
        self.counts.apps_created = created + self._run(sql.ADD_DEFAULT_APP)
        self._run(sql.FIND_APPS)

    def _find_memories(self) -> None:
        self._run(sql.FIND_MEMORIES)
        self._run("CREATE INDEX ON target_memories (number)")
        self._run("ANALYZE target_memories, target_apps")
        with connection.cursor() as cursor:
            cursor.execute(sql.SAME_MEMORY)
            twice = cursor.fetchone()
        if twice:
            detail = f"memories[{twice[0]}]: another row is about the same memory."
            raise BadArchive(detail, member=ENTITIES, line=twice[1])
        self.counts.memories_unchanged = self._one("SELECT count(*) FROM target_memories") or 0

    def _overwrite(self) -> None:
        self._run(overwriting.FIND_CHANGED)
        # In the order of ids, as everybody locks them. Whoever changes one of them now, waits.
        self._run(overwriting.LOCK_CHANGED)
        self.counts.status_changes_created += self._run(overwriting.ADD_KNOWN_STATUS_CHANGES)
        self.counts.revisions_created += self._run(overwriting.ADD_KNOWN_REVISIONS)
        self.counts.status_changes_created += self._run(overwriting.NOTE_CHANGE_OF_STATE)
        self.counts.revisions_created += self._run(overwriting.NOTE_REVISION)
        self._run(overwriting.DROP_VECTORS)
        self.counts.memories_updated = self._run(overwriting.UPDATE_MEMORIES)
        self.counts.memories_unchanged -= self.counts.memories_updated

    def _add_memories(self) -> None:
        self.counts.memories_created = self._in_parts("memories", sql.ADD_MEMORIES)
        self.counts.memories_unchanged -= self.counts.memories_created
        self._run(sql.LINK_SUPERSEDED)

    def _add_histories(self) -> None:
        if not self.complete:
            self.counts.status_changes_created += self._run(sql.ADD_BEGINNINGS)
        self.counts.status_changes_created += self._in_parts(
            "status_history", sql.ADD_STATUS_CHANGES
        )
        self.counts.revisions_created += self._in_parts("revisions", sql.ADD_REVISIONS)

    def _add_vectors(self) -> None:
        self._held = EmbeddingSpace.objects.held()
        if self.space is not None and self.space.pk in self._held:
            self.counts.vectors_taken_over = self._in_parts("vectors", sql.ADD_VECTORS)

    def _merge_categories(self) -> None:
        self.counts.categories_created = self._run(sql.ADD_CATEGORIES)
        self._run(sql.FIND_CATEGORIES)
        there = self._one("SELECT count(DISTINCT id) FROM target_categories")
        self.counts.categories_unchanged = there - self.counts.categories_created
        self._run(sql.TAKE_OUT_OF_CATEGORIES)
        self._in_parts("memory_categories", sql.PUT_INTO_CATEGORIES)

    def _in_parts(self, table: str, statement: str) -> int:
        """Run a statement about the rows of one table from number to number: how many it stored."""
        stored = 0
        for first in range(0, self._rows[table], AT_ONCE):
            stored += self._run(statement, first=first, end=first + AT_ONCE)
            self._done += min(AT_ONCE, self._rows[table] - first)
            self.tell(self._done / sum(self._rows.values()))
        return stored

    def _count_rows(self) -> dict[str, int]:
        counting = "SELECT coalesce(max(number) + 1, 0) FROM staged_{}"
        return {table: self._one(counting.format(table)) for table in IN_PARTS}

    def _run(self, statement: str, **more: Any) -> int:
        with connection.cursor() as cursor:
            cursor.execute(statement, {**self._parameters, **more})
            stored: int = cursor.rowcount
        return max(0, stored)

    def _one(self, statement: str, **more: Any) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(statement, {**self._parameters, **more})
            return cursor.fetchone()[0]

    @property
    def _parameters(self) -> dict[str, Any]:
        return {
            "user": self.user.pk,
            "by": self.by.pk,
            "source": self.source,
            "own": self.own,
            "overwrite": self.mode is Mode.OVERWRITE,
            "space": self.space and self.space.pk,
            "default_app": DEFAULT_APP,
            "no_app": self._no_app,
            "lock": ADVISORY_LOCK,
            "user_lock": self.user.pk.int & 0x7FFFFFFF,
        }
