"""Bring what was staged into the tables of everybody, in the caller's transaction.

Which memory of the user a row is about: the one of its id, if they have it; else the one of its
derived id, if they have that; else a new one. The new one keeps its id where the archive is the
user's own and nobody has that id, and has the derived one otherwise.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.db import connection

from accounts.models import User
from apps_registry.acting_app import DEFAULT_APP
from backups.archive.errors import BadArchive
from backups.archive.format import ENTITIES
from core.locks import Lock, lock_transaction
from memories.models import EmbeddingSpace

from . import overwrite
from . import statements as sql
from .packed_rows import ROWS_PER_PACK

# Rows that one statement stores: so that it ends soon, and keeps few checks of references waiting.
BATCH_ROWS = 40 * ROWS_PER_PACK
INSERTED_LISTS = ("memories", "status_history", "revisions", "memory_categories", "vectors")


class Mode(StrEnum):
    SKIP = "skip"
    OVERWRITE = "overwrite"


@dataclass
class ImportCounts:
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
    history, `rows` how many it has of each list, and `space` where its vectors belong, if they are
    staged. `tell` is told the share that is done, and may raise.
    """

    user: User
    by: User
    mode: Mode
    source: uuid.UUID
    own: bool
    complete: bool
    rows: Mapping[str, int]
    space: EmbeddingSpace | None
    tell: Callable[[float], None]
    counts: ImportCounts = field(default_factory=ImportCounts)
    _no_app: uuid.UUID = field(default_factory=uuid.uuid4)
    _arrived: int = 0
    _held: set[int] = field(default_factory=set)
    _done: int = 0

    def run(self) -> ImportCounts:
        """Raises BadArchive, and IntegrityError when others have stored the same ids meanwhile."""
        # Of two imports into one user, each sees all or nothing of what the other has stored.
        lock_transaction(Lock.IMPORT, self.user.pk.int)
        # Checked statement by statement, or all the checks would wait in memory for the end.
        self._run("SET CONSTRAINTS ALL IMMEDIATE")
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
        self._run(sql.MAKE_TARGETS)
        self._run(sql.ORDER_MEMORIES)
        self._arrived = self._one(sql.RESERVE_ARRIVALS)
        for part in self._parts("memories"):
            # Made here, as PostgreSQL cannot, and not kept with the rows, as they take much there.
            sources = self._one(sql.LIST_SOURCES, **part)
            derived = [uuid.uuid5(self.user.pk, str(source)) for source in sources]
            self._run(sql.FIND_MEMORIES, **part, sources=sources, derived=derived)
        self._run("TRUNCATE target_order")
        self._run("CREATE INDEX ON target_memories USING brin (number)")
        self._run("ANALYZE target_memories, target_apps")
        with connection.cursor() as cursor:
            cursor.execute(sql.SAME_MEMORY)
            twice = cursor.fetchone()
        if twice:
            detail = f"memories[{twice[0]}]: another row is about the same memory."
            raise BadArchive(detail, member=ENTITIES, line=twice[1])
        self.counts.memories_unchanged = self._one("SELECT count(*) FROM target_memories") or 0

    def _overwrite(self) -> None:
        self._run(overwrite.MAKE_CHANGES)
        changed = self._in_parts("memories", overwrite.FIND_CHANGED)
        self._run("ANALYZE target_changes")
        # In the order of ids, as everybody locks them. Whoever changes one of them now, waits.
        self._run(overwrite.LOCK_CHANGED)
        self.counts.status_changes_created += self._run(overwrite.ADD_KNOWN_STATUS_CHANGES)
        self.counts.revisions_created += self._run(overwrite.ADD_KNOWN_REVISIONS)
        if changed:
            noted = self._in_parts("memories", overwrite.NOTE_CHANGE_OF_STATE)
            self.counts.status_changes_created += noted
            noted = self._in_parts("memories", overwrite.NOTE_REVISION)
            self.counts.revisions_created += noted
            self._in_parts("memories", overwrite.DROP_VECTORS)
            self.counts.memories_updated = self._in_parts("memories", overwrite.UPDATE_MEMORIES)
        self.counts.memories_unchanged -= self.counts.memories_updated

    def _add_memories(self) -> None:
        self.counts.memories_created = self._store("memories", sql.ADD_MEMORIES)
        self.counts.memories_unchanged -= self.counts.memories_created
        self._run(sql.LINK_SUPERSEDED)

    def _add_histories(self) -> None:
        if not self.complete:
            self.counts.status_changes_created += self._run(sql.ADD_BEGINNINGS)
        stored = self._store("status_history", sql.ADD_STATUS_CHANGES)
        self.counts.status_changes_created += stored
        self.counts.revisions_created += self._store("revisions", sql.ADD_REVISIONS)

    def _add_vectors(self) -> None:
        self._held = EmbeddingSpace.objects.lock_written()
        if self.space is not None and self.space.pk in self._held:
            self.counts.vectors_taken_over = self._store("vectors", sql.ADD_VECTORS)

    def _merge_categories(self) -> None:
        self.counts.categories_created = self._run(sql.ADD_CATEGORIES)
        self._run(sql.FIND_CATEGORIES)
        there = self._one("SELECT count(DISTINCT id) FROM target_categories")
        self.counts.categories_unchanged = there - self.counts.categories_created
        self._run(sql.TAKE_OUT_OF_CATEGORIES)
        self._store("memory_categories", sql.PUT_INTO_CATEGORIES)

    def _store(self, table: str, statement: str) -> int:
        """Run what stores the rows of one table, and tell how far that is: how many it stored."""
        return self._in_parts(table, statement, goes_on=True)

    def _in_parts(self, table: str, statement: str, *, goes_on: bool = False) -> int:
        """Run a statement about the rows of a list from number to number: how many it changed."""
        changed = 0
        for part in self._parts(table):
            changed += self._run(statement, **part)
            if goes_on:
                self._done += min(BATCH_ROWS, self.rows[table] - part["first"])
            self.tell(self._done / self._to_store)
        return changed

    def _parts(self, table: str) -> Iterator[dict[str, int]]:
        for first in range(0, self.rows[table], BATCH_ROWS):
            yield {"first": first, "end": first + BATCH_ROWS}

    @property
    def _to_store(self) -> int:
        return sum(self.rows.get(table, 0) for table in INSERTED_LISTS)

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
            "memories": self.rows["memories"],
            "arrived": self._arrived,
            "space": self.space and self.space.pk,
            "default_app": DEFAULT_APP,
            "no_app": self._no_app,
        }
