from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import EmptyResultSet
from django.db import connection, models, transaction
from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.models import User
from apps_registry.models import AccessRule, App, Effect
from core.errors import NotFound

from .categorization import Categorization

if TYPE_CHECKING:
    from .memory import Memory


class MemoryNotFound(NotFound):
    """Memory not found."""

    code = "memory_not_found"


class State(models.TextChoices):
    ACTIVE = "active"
    PAUSED = "paused"
    ARCHIVED = "archived"
    DELETED = "deleted"


# What a person lives with; the other states put a memory aside.
LIVE = [State.ACTIVE, State.PAUSED]


# The columns that an answer shows.
SHOWN = [
    "user", "app__name", "content", "metadata", "actor", "conversation", "state", "created_at",
    "superseded_by",
]  # fmt: skip


def fingerprint(content: str) -> bytes:
    """Hash what makes two texts the same memory: the words, not their case or spacing."""
    return hashlib.sha256(" ".join(content.casefold().split()).encode()).digest()


def _in_one_parameter(ids: Collection[uuid.UUID]) -> RawSQL:
    """Ten thousand parameters take Django and PostgreSQL as long as what is done with them."""
    return RawSQL("SELECT unnest(%s::uuid[])", ["{" + ",".join(map(str, ids)) + "}"])


# In one statement: of 10,000 memories, only their number comes back.
CHANGED = """
WITH leaving (id, state) AS MATERIALIZED ({leaving}),
changed AS (
    UPDATE memories_memory AS memory
    SET state = %s, state_changed_at = %s, updated_at = %s,
        superseded_by_id = CASE WHEN %s THEN NULL ELSE memory.superseded_by_id END
    FROM leaving WHERE memory.id = leaving.id
)
INSERT INTO memories_statechange
    (memory_id, old_state, new_state, changed_by_id, changed_at, reason)
SELECT id, state, %s, %s, %s, %s FROM leaving ORDER BY id
"""


class MemoryQuerySet(models.QuerySet["Memory"]):
    def owned_by(self, user: User) -> MemoryQuerySet:
        return self.filter(user=user)

    def active(self) -> MemoryQuerySet:
        return self.filter(state=State.ACTIVE)

    def readable_by(self, app: App | None) -> MemoryQuerySet:
        """Keep what the rules of an app let it read. A person, who is no app, reads everything.

        Deny wins over allow. With any rule that allows a memory by name, only those are read.
        """
        if app is None:
            return self
        rules = AccessRule.objects.filter(app=app)
        about_this = Q(memory_id=OuterRef("pk"))
        denied = rules.filter(about_this | Q(memory_id=None), effect=Effect.DENY)
        named = rules.filter(effect=Effect.ALLOW, memory_id__isnull=False)
        return self.filter(~Exists(denied), ~Exists(named) | Exists(named.filter(about_this)))

    def managed(self, *, archived: bool = False) -> MemoryQuerySet:
        """Keep what a person manages: active and paused ones, and archived ones when asked."""
        states = [*LIVE, *([State.ARCHIVED] if archived else [])]
        return self.filter(state__in=states)

    def undeleted(self) -> MemoryQuerySet:
        return self.exclude(state=State.DELETED)

    def deleted_before(self, moment: datetime) -> MemoryQuerySet:
        return self.filter(state=State.DELETED, state_changed_at__lt=moment)

    def created_between(self, first: datetime | None, last: datetime | None) -> MemoryQuerySet:
        """Keep what was created from `first` to the end of the second that begins at `last`."""
        memories = self
        if first is not None:
            memories = memories.filter(created_at__gte=first)
        if last is not None:
            memories = memories.filter(created_at__lt=last + timedelta(seconds=1))
        return memories

    def in_categories(self, names: Collection[str]) -> MemoryQuerySet:
        """Keep what is in any of these categories, named in any case."""
        return self._categorized(category__name__in=[name.lower() for name in names])

    def in_categories_by_id(self, ids: Collection[uuid.UUID]) -> MemoryQuerySet:
        return self._categorized(category__in=ids)

    def _categorized(self, **category: Any) -> MemoryQuerySet:
        among = Categorization.objects.filter(
            memory=OuterRef("pk"), user=OuterRef("user"), **category
        )
        return self.filter(Exists(among))

    def said_by(self, actors: Collection[str]) -> MemoryQuerySet:
        """Keep what any of these said, named in any case."""
        named = [Lower(Value(actor)) for actor in actors]
        return self.alias(said_by=Lower("actor")).filter(said_by__in=named)

    def in_conversations(self, names: Collection[str]) -> MemoryQuerySet:
        return self.filter(conversation__in=names)

    def same_as(self, content: str) -> MemoryQuerySet:
        """Keep what already says this to its app: a deleted or archived one no longer does."""
        return self.filter(fingerprint=fingerprint(content), state__in=LIVE)

    def with_relations(self) -> MemoryQuerySet:
        """Bring what an answer shows of each memory, and no more, in the same statement."""
        names = Categorization.objects.filter(memory=OuterRef("pk")).order_by("category__name")
        older = self.model.objects.filter(superseded_by=OuterRef("pk")).order_by("created_at", "pk")
        return (
            self.select_related("app")
            .only(*SHOWN)
            .annotate(
                category_names=ArraySubquery(names.values("category__name")),
                supersedes_ids=ArraySubquery(older.values("pk")),
            )
        )

    def one(self, pk: uuid.UUID) -> Memory:
        """Get a memory of these. Raises MemoryNotFound."""
        try:
            return self.get(pk=pk)
        except self.model.DoesNotExist:
            raise MemoryNotFound from None

    def exactly(self, ids: Collection[uuid.UUID]) -> MemoryQuerySet:
        """Keep the memories of these ids. Raises MemoryNotFound, which names what is missing."""
        among = self.filter(pk__in=_in_one_parameter(ids))
        if among.count() < len(set(ids)):
            found = set(among.values_list("pk", flat=True))
            missing = [str(pk) for pk in ids if pk not in found]
            named = ", ".join(missing[:10]) + (" …" if len(missing) > 10 else "")
            raise MemoryNotFound(f"Memory not found: {named}.")
        return among

    def change_state(self, state: State, *, by: User | None, reason: str = "") -> int:
        """Put these memories into a state and write the history of those that were in another.

        The only place that changes a state. `by` is None where a rule is followed that nobody
        answers for any more. What comes back no longer gives way to another
        memory. Returns how many changed.
        """
        # Locked, so that of two changes at once each records the state it really left;
        # in the order of ids, so that two bulk changes cannot wait for each other.
        changing = self.exclude(state=state).select_for_update(of=("self",)).order_by("pk")
        with transaction.atomic(), connection.cursor() as cursor:
            try:
                leaving, named = changing.values_list("pk", "state").query.sql_with_params()
            except EmptyResultSet:
                return 0
            now = timezone.now()
            changes: list[Any] = [state, now, now, state in LIVE]
            history: list[Any] = [state, by and by.pk, now, reason]
            cursor.execute(CHANGED.format(leaving=leaving), [*named, *changes, *history])
            return int(cursor.rowcount)

    def put_aside_for(self, memory: Memory, *, by: User, reason: str) -> None:
        """Archive these, each linked to the memory that holds in its place."""
        ids = list(self.values_list("pk", flat=True))
        with transaction.atomic():
            put_aside = self.model.objects.filter(pk__in=ids)
            put_aside.change_state(State.ARCHIVED, by=by, reason=reason)
            put_aside.update(superseded_by=memory)
