from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVectorField
from django.db import models, transaction
from django.db.models import Exists, F, Func, IntegerField, OuterRef, Q, Subquery, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.models import User
from apps_registry.models import AccessRule, App
from core.errors import Conflict, NotFound
from core.sql import uuid_array
from memories.limits import MAX_NAME
from memories.taxonomy import fold_category_name

from .categorization import Categorization
from .category import Category
from .state import LIVE, State
from .state_change import StateChange

# The columns that a response shows.
SHOWN = [
    "user", "app__name", "content", "metadata", "actor", "conversation", "state", "created_at",
    "superseded_by",
]  # fmt: skip


class MemoryNotFound(NotFound):
    """Memory not found."""

    code = "memory_not_found"


class MemoryDeleted(Conflict):
    """A deleted memory cannot be edited."""

    code = "memory_deleted"


def fingerprint(content: str) -> bytes:
    """Hash the words of a text: two texts are the same memory whatever their case or spacing."""
    return hashlib.sha256(" ".join(content.casefold().split()).encode()).digest()


class MemoryQuerySet(models.QuerySet["Memory"]):
    # The app that these are `shown_to`. None for a user, who is shown all links.
    reading_app: App | None = None

    def _clone(self) -> MemoryQuerySet:
        clone: MemoryQuerySet = super()._clone()  # type: ignore[misc]
        clone.reading_app = self.reading_app
        return clone

    def owned_by(self, user: User) -> MemoryQuerySet:
        return self.filter(user=user)

    def active(self) -> MemoryQuerySet:
        return self.filter(state=State.ACTIVE)

    def readable_by(self, app: App | None) -> MemoryQuerySet:
        """Keep what the access rules let an app read. A user without an app reads everything."""
        if app is None:
            return self
        return self.filter(AccessRule.objects.condition_for(app.pk)).shown_to(app)

    def shown_to(self, app: App | None) -> MemoryQuerySet:
        """Name no memories in these that the app may not read, whether or not it may read these."""
        memories = self.all()
        memories.reading_app = app
        return memories

    def managed(self, *, archived: bool = False) -> MemoryQuerySet:
        """Keep active and paused memories, and archived ones if asked for."""
        states = [*LIVE, *([State.ARCHIVED] if archived else [])]
        return self.filter(state__in=states)

    def undeleted(self) -> MemoryQuerySet:
        return self.exclude(state=State.DELETED)

    def deleted_before(self, moment: datetime) -> MemoryQuerySet:
        return self.filter(state=State.DELETED, state_changed_at__lt=moment)

    def created_between(self, first: datetime | None, last: datetime | None) -> MemoryQuerySet:
        """Keep memories created from `first` to the end of the second that starts at `last`."""
        memories = self if first is None else self.filter(created_at__gte=first)
        if last is not None:
            memories = memories.filter(created_at__lt=last + timedelta(seconds=1))
        return memories

    def in_categories(self, names: Collection[str]) -> MemoryQuerySet:
        """Keep memories in any of these categories, ignoring case."""
        return self._categorized(category__name__in=[fold_category_name(name) for name in names])

    def in_categories_by_id(
        self, ids: Collection[uuid.UUID] | models.QuerySet[Any]
    ) -> MemoryQuerySet:
        return self._categorized(category__in=ids)

    def _categorized(self, **category: Any) -> MemoryQuerySet:
        categorizations = Categorization.objects.filter(
            memory=OuterRef("pk"), user=OuterRef("user"), **category
        )
        return self.filter(Exists(categorizations))

    def said_by(self, actors: Collection[str]) -> MemoryQuerySet:
        """Keep what any of these actors said, ignoring case."""
        lowered = [Lower(Value(actor)) for actor in actors]
        return self.alias(said_by=Lower("actor")).filter(said_by__in=lowered)

    def in_conversations(self, names: Collection[str]) -> MemoryQuerySet:
        return self.filter(conversation__in=names)

    def in_order_of(self, ids: Sequence[uuid.UUID]) -> MemoryQuerySet:
        """Keep the memories with these ids, in the order of the ids."""
        array = Value(list(ids), ArrayField(models.UUIDField()))
        position = Func(array, F("pk"), function="array_position", output_field=IntegerField())
        return self.filter(pk__in=ids).order_by(position)

    def same_as(self, content: str) -> MemoryQuerySet:
        """Keep the active memories with this text: beside any other one it is stored again."""
        return self.active().filter(fingerprint=fingerprint(content))

    def with_relations(self) -> MemoryQuerySet:
        """Load exactly what a response shows of each memory, in one query.

        Linked are only memories that the app which these are `shown_to`, if any, may read.
        """
        others = self.model.objects.readable_by(self.reading_app)
        newer = others.filter(pk=OuterRef("superseded_by")).values("pk")
        older = others.filter(superseded_by=OuterRef("pk")).order_by("created_at", "pk")
        names = Categorization.objects.filter(memory=OuterRef("pk")).order_by("category__name")
        return (
            self.select_related("app")
            .only(*SHOWN)
            .annotate(
                category_names=ArraySubquery(names.values("category__name")),
                supersedes_ids=ArraySubquery(older.values("pk")),
                superseding_id=Subquery(newer) if self.reading_app else F("superseded_by"),
            )
        )

    def one(self, pk: uuid.UUID) -> Memory:
        """Get one of these memories. Raises MemoryNotFound."""
        try:
            return self.get(pk=pk)
        except self.model.DoesNotExist:
            raise MemoryNotFound from None

    def exactly(self, ids: Collection[uuid.UUID]) -> MemoryQuerySet:
        """Keep the memories of these ids. Raises MemoryNotFound, which lists what is missing."""
        # One parameter: with ten thousand, Django and PostgreSQL take as long as for the rest.
        memories = self.filter(pk__in=RawSQL("SELECT unnest(%s::uuid[])", [uuid_array(ids)]))
        if memories.count() < len(set(ids)):
            existing = set(memories.values_list("pk", flat=True))
            missing = [str(pk) for pk in ids if pk not in existing]
            listed = ", ".join(missing[:10]) + (" …" if len(missing) > 10 else "")
            raise MemoryNotFound(f"Memory not found: {listed}.")
        return memories

    def locked(self, *, no_key: bool = False) -> MemoryQuerySet:
        """Lock these rows in the order of ids, against deadlocks. `no_key` permits references."""
        return self.select_for_update(of=("self",), no_key=no_key).order_by("pk")

    def change_state(self, state: State, *, by: User | None, reason: str = "") -> int:
        """Change the state of those in another one, write their history, and return their number.

        This is the only way to change a state. `by` is None for a policy whose author is gone. A
        memory that becomes live again is no longer superseded.
        """
        # Locked, so that each of two concurrent changes records the state that it really changed.
        changing = self.exclude(state=state).locked()
        with transaction.atomic():
            return StateChange.objects.apply(changing, state, by=by, reason=reason)

    def supersede_by(self, memory: Memory, *, by: User, reason: str) -> None:
        """Archive these memories and link each to the memory that replaces it."""
        ids = list(self.values_list("pk", flat=True))
        with transaction.atomic():
            superseded = self.model.objects.filter(pk__in=ids)
            superseded.change_state(State.ARCHIVED, by=by, reason=reason)
            superseded.update(superseded_by=memory)


class Memory(models.Model):
    """A fact or message about a user, stored by an app."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="memories", db_index=False
    )
    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="memories", db_index=False)
    content = models.TextField(help_text="The text of the memory, as it was sent.")
    metadata = models.JSONField(default=dict, blank=True, help_text="Key-value pairs of the app.")
    state = models.CharField(max_length=8, choices=State, default=State.ACTIVE)
    state_changed_at = models.DateTimeField(default=timezone.now)
    superseded_by = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="supersedes",
        db_index=False,
        help_text="The memory that replaces it.",
    )
    categories = models.ManyToManyField(
        Category, through=Categorization, related_name="memories", blank=True
    )
    fingerprint = models.BinaryField(
        max_length=32, help_text="SHA-256 of the text, ignoring case and spacing."
    )
    words = SearchVectorField(help_text="The English lexemes for keyword search.")
    actor = models.CharField(
        max_length=MAX_NAME,
        blank=True,
        default="",
        db_default="",
        help_text="Who said it; empty if unknown.",
    )
    conversation = models.CharField(
        max_length=MAX_NAME,
        blank=True,
        default="",
        db_default="",
        help_text="The conversation that it is from; empty if none was given.",
    )
    created_at = models.DateTimeField(
        default=timezone.now, help_text="When it was said, which may be before it was stored."
    )
    arrival = models.BigIntegerField(
        db_default=Func(Value("memories_arrival"), function="nextval"),
        editable=False,
        help_text="Grows with each stored memory, and orders those of the same moment. 0 for "
        "memories stored before this field existed.",
    )
    updated_at = models.DateTimeField(default=timezone.now)

    # Set on a memory that was just stored, or loaded `with_relations`.
    category_names: list[str]
    supersedes_ids: Sequence[uuid.UUID] = ()
    superseding_id: uuid.UUID | None = None

    objects = MemoryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "memories"
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=State.values), name="memory_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(superseded_by=None) | ~Q(state__in=LIVE),
                name="memory_superseded_is_put_aside",
            ),
        ]
        indexes = [
            # A page of a list. With the state last, one index serves any states in order.
            models.Index("user", F("created_at").desc(), "id", "state", name="memory_newest_first"),
            # The same for all users, for operators.
            models.Index(fields=["-created_at", "id", "state"], name="memory_newest_of_all"),
            # For counts: an entry is a few bytes, as equal ones are deduplicated.
            models.Index(fields=["user", "state"], name="memory_by_user_and_state"),
            models.Index(fields=["app", "state"], name="memory_by_app_and_state"),
            models.Index(fields=["user", "fingerprint"], name="memory_by_fingerprint"),
            # Whether a name is that of a speaker.
            models.Index("user", Lower("actor"), condition=~Q(actor=""), name="memory_by_actor"),
            models.Index(
                fields=["superseded_by"],
                condition=Q(superseded_by__isnull=False),
                name="memory_by_superseding",
            ),
            models.Index(
                fields=["state_changed_at", "id"],
                condition=Q(state=State.DELETED),
                name="memory_by_deletion",
            ),
            # The neighbours of a memory in its conversation, in order.
            models.Index(
                fields=["app", "conversation", "created_at", "arrival", "id"],
                condition=Q(state="active") & (~Q(actor="") | ~Q(conversation="")),
                name="memory_by_place",
            ),
            # Without a pending list, which each search would have to scan.
            GinIndex(
                OpClass("user", name="uuid_ops"),
                OpClass("words", name="tsvector_ops"),
                name="memory_by_user_and_words",
                fastupdate=False,
            ),
        ]

    def __str__(self) -> str:
        return self.content[:80]

    def add_categories(self, categories: Sequence[Category]) -> None:
        """Add a memory without categories to these."""
        if categories:
            ids = [category.pk for category in categories]
            Categorization.objects.insert(self.pk, user_id=self.user_id, category_ids=ids)
        self.category_names = sorted(category.name for category in categories)

    def replace_categories(self, categories: Sequence[Category]) -> None:
        """Move a memory to these categories, in the caller's transaction, which has locked it."""
        ids = [category.pk for category in categories]
        Categorization.objects.lock_categories(self.pk, category_ids=ids)
        self.categories.clear()
        self.add_categories(categories)
