"""Merge the staged rows into the tables of all users, in the caller's transaction.

A staged memory is matched with the user's memory of the same id; without one, with that of the
derived id. If there is neither, it is new: it keeps its id if the archive is the user's own and the
id is free, and gets the derived id otherwise.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from accounts.models import User
from apps_registry.acting_app import DEFAULT_APP
from backups.archive.errors import ArchiveTooLarge, BadArchive
from backups.archive.format import ENTITIES
from core.locks import Lock, lock_transaction
from core.sql import execute, fetch_column, fetch_one, fetch_value
from core.sql_files import load_statements
from memories.limits import MAX_CATEGORIES
from memories.models import Category, EmbeddingSpace
from memories.words import WORDS_VERSION

from .packed_rows import ROWS_PER_PACK, batch_subquery
from .staging import ARRIVAL_ORDER

# Rows that one statement inserts: it ends soon, and few checks of references are pending.
BATCH_ROWS = 40 * ROWS_PER_PACK
# The lists whose rows count as progress.
INSERTED_LISTS = ("memories", "status_history", "revisions", "memory_categories", "vectors")

STATEMENTS = load_statements(
    Path(__file__).with_name("merge.sql"),
    Path(__file__).with_name("overwrite.sql"),
    arrival_order=ARRIVAL_ORDER,
    words_version=str(WORDS_VERSION),
    memories_batch=batch_subquery("memories"),
    status_history_batch=batch_subquery("status_history"),
    revisions_batch=batch_subquery("revisions"),
    memory_categories_batch=batch_subquery("memory_categories"),
)


class Mode(StrEnum):
    SKIP = "skip"
    OVERWRITE = "overwrite"


@dataclass
class ImportCounts:
    """How many rows an import has created, updated or left unchanged."""

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
    """One merge of the staged rows.

    `source` is the id of the archive's user, `is_own` whether `user` is that user,
    `has_first_states` whether the histories begin with the first state, `rows` the number of rows
    in each list, and `space` the embedding space of the vectors, if they are staged. `report` gets
    the share that is done, and may raise.
    """

    user: User
    by: User
    mode: Mode
    source: uuid.UUID
    is_own: bool
    has_first_states: bool
    rows: Mapping[str, int]
    space: EmbeddingSpace | None
    report: Callable[[float], None]
    counts: ImportCounts = field(default_factory=ImportCounts)
    _no_app: uuid.UUID = field(default_factory=uuid.uuid4)
    _last_arrival: int = 0
    _space_ids: set[int] = field(default_factory=set)
    _done: int = 0

    def run(self) -> ImportCounts:
        """Raises BadArchive, and IntegrityError when others have just stored the same ids."""
        # Of two imports into one user, each sees all or nothing of what the other has stored.
        lock_transaction(Lock.IMPORT, self.user.pk.int)
        self._execute("check_constraints_now")
        self._merge_apps()
        self._match_memories()
        self._insert_memories()
        if self.mode is Mode.OVERWRITE:
            self._overwrite_memories()
        self._insert_histories()
        self.counts.access_rules_created = self._execute("insert_access_rules")
        # Last: until the commit, others wait who add a memory to a category that is inserted here,
        # or who would switch the search to another embedding space.
        self._merge_categories()
        self._insert_vectors()
        for statement in ("insert_feedback", "insert_entities", "insert_project"):
            self._execute(statement)
        self.report(1)
        return self.counts

    def lacks_vectors(self) -> bool:
        """Whether any imported memory, deleted ones aside, has no vector in a space of all.

        Nor the vectors of its tokens, which no archive has, where the model gives them.
        """
        spaces = EmbeddingSpace.objects.filter(pk__in=self._space_ids)
        return any(
            self._fetch("lacks_vector", in_space=space.pk, has_tokens=space.has_tokens)
            for space in spaces
        )

    def _merge_apps(self) -> None:
        if self.mode is Mode.OVERWRITE:
            self.counts.apps_updated = self._execute("update_apps")
        created = self._execute("insert_apps")
        existing = self._fetch("count_staged_apps") - created
        self.counts.apps_unchanged = existing - self.counts.apps_updated
        self.counts.apps_created = created + self._execute("insert_default_app")
        self._execute("create_target_apps")

    def _match_memories(self) -> None:
        self._execute("create_target_memories")
        self._execute("create_target_order")
        self._last_arrival = self._fetch("reserve_arrivals")
        for batch in self._batches("memories"):
            # PostgreSQL cannot derive these ids, and staged with the rows they would take space.
            sources = self._fetch("select_memory_ids", **batch)
            derived = [uuid.uuid5(self.user.pk, str(source)) for source in sources]
            self._execute("insert_target_memories", **batch, sources=sources, derived=derived)
        self._execute("truncate_target_order")
        self._execute("index_target_memories")
        self._execute("analyze_targets")
        if repeated := fetch_one(STATEMENTS["select_repeated_memory"]):
            number, line = repeated
            detail = f"memories[{number}]: another row is about the same memory."
            raise BadArchive(detail, member=ENTITIES, line=line)
        self.counts.memories_unchanged = self._fetch("count_target_memories")

    def _insert_memories(self) -> None:
        self.counts.memories_created = self._insert("memories", "insert_memories")
        self.counts.memories_unchanged -= self.counts.memories_created
        self._execute("update_superseded")

    def _overwrite_memories(self) -> None:
        self._execute("create_target_changes")
        changed_count = self._execute_in_batches("memories", "insert_target_changes")
        self._execute("analyze_target_changes")
        # In the order of ids, as everywhere. Others who change one of these memories wait.
        self._execute("lock_changed")
        self.counts.status_changes_created += self._execute("insert_missing_state_changes")
        self.counts.revisions_created += self._execute("insert_missing_revisions")
        if changed_count:
            logged = self._execute_in_batches("memories", "log_state_change")
            self.counts.status_changes_created += logged
            logged = self._execute_in_batches("memories", "log_revision")
            self.counts.revisions_created += logged
            self._execute_in_batches("memories", "delete_vectors")
            updated = self._execute_in_batches("memories", "update_memories")
            self.counts.memories_updated = updated
        self.counts.memories_unchanged -= self.counts.memories_updated

    def _insert_histories(self) -> None:
        if not self.has_first_states:
            self.counts.status_changes_created += self._execute("insert_first_states")
        inserted = self._insert("status_history", "insert_state_changes")
        self.counts.status_changes_created += inserted
        self.counts.revisions_created += self._insert("revisions", "insert_revisions")

    def _merge_categories(self) -> None:
        names = fetch_column(STATEMENTS["select_category_names"])
        Category.objects.get_or_create_many(names)
        self._execute("create_target_categories")
        self.counts.categories_created = self._execute("insert_user_categories", names=names)
        if self.counts.categories_created and self._fetch("count_user_categories") > MAX_CATEGORIES:
            detail = f"With these, the user would have more than {MAX_CATEGORIES} categories."
            raise ArchiveTooLarge(detail, member=ENTITIES)
        existing = self._fetch("count_target_categories")
        self.counts.categories_unchanged = existing - self.counts.categories_created
        self._execute("delete_categorizations")
        self._insert("memory_categories", "insert_categorizations")

    def _insert_vectors(self) -> None:
        self._space_ids = EmbeddingSpace.objects.lock_written()
        if self.space is not None and self.space.pk in self._space_ids:
            self.counts.vectors_taken_over = self._insert("vectors", "insert_vectors")

    def _insert(self, name: str, statement: str) -> int:
        """Insert the rows of a list, and count them as progress. Returns how many were inserted."""
        return self._execute_in_batches(name, statement, is_progress=True)

    def _execute_in_batches(self, name: str, statement: str, *, is_progress: bool = False) -> int:
        """Run a statement for each batch of a list. Returns how many rows it changed."""
        changed_count = 0
        total = sum(self.rows.get(name, 0) for name in INSERTED_LISTS)
        for batch in self._batches(name):
            changed_count += self._execute(statement, **batch)
            if is_progress:
                self._done += min(BATCH_ROWS, self.rows[name] - batch["first"])
            self.report(self._done / total)
        return changed_count

    def _batches(self, name: str) -> Iterator[dict[str, int]]:
        for first in range(0, self.rows[name], BATCH_ROWS):
            yield {"first": first, "end": first + BATCH_ROWS}

    def _execute(self, statement: str, **parameters: Any) -> int:
        return execute(STATEMENTS[statement], {**self._parameters, **parameters})

    def _fetch(self, statement: str, **parameters: Any) -> Any:
        return fetch_value(STATEMENTS[statement], {**self._parameters, **parameters})

    @property
    def _parameters(self) -> dict[str, Any]:
        return {
            "user": self.user.pk,
            "by": self.by.pk,
            "source": self.source,
            "own": self.is_own,
            "overwrite": self.mode is Mode.OVERWRITE,
            "memories": self.rows["memories"],
            "arrived": self._last_arrival,
            "space": self.space and self.space.pk,
            "default_app": DEFAULT_APP,
            "no_app": self._no_app,
        }
