from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVectorField
from django.db import connection, models
from django.db.models import F, Func, Q, Value
from django.utils import timezone

from accounts.models import User
from apps_registry.models import App
from core.errors import Conflict
from memories.limits import MAX_NAME

from .categorization import Categorization
from .category import Category
from .memory_queryset import LIVE, MemoryNotFound, MemoryQuerySet, State, fingerprint

__all__ = [
    "LIVE",
    "Memory",
    "MemoryDeleted",
    "MemoryNotFound",
    "MemoryQuerySet",
    "State",
    "fingerprint",
]

# A category may have been merged since it was looked up: then the memory goes where it went.
# Whoever is merging it is waited for, and waits until this transaction ends.
PUT_IN = """
INSERT INTO memories_categorization (memory_id, user_id, category_id)
SELECT %s, %s, COALESCE(merged_into_id, id)
FROM memories_category WHERE id = ANY(%s::uuid[]) ORDER BY id FOR KEY SHARE
ON CONFLICT DO NOTHING
"""

# All at once and in this order, before any of its rows are touched: else this and a merge, which
# goes from row to row, could wait for each other.
HELD = """
SELECT FROM memories_category
WHERE id = ANY(ARRAY(SELECT category_id FROM memories_categorization WHERE memory_id = %s))
    OR id = ANY(%s::uuid[])
ORDER BY id FOR KEY SHARE
"""


class MemoryDeleted(Conflict):
    """A deleted memory cannot be edited."""

    code = "memory_deleted"


class Memory(models.Model):
    """Something that an app has learned about a user."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="memories", db_index=False
    )
    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="memories", db_index=False)
    content = models.TextField(help_text="The memory itself, as it was sent.")
    metadata = models.JSONField(
        default=dict, blank=True, help_text="Key-value pairs that the app keeps beside it."
    )
    state = models.CharField(max_length=8, choices=State, default=State.ACTIVE)
    state_changed_at = models.DateTimeField(default=timezone.now)
    superseded_by = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="supersedes",
        db_index=False,
        help_text="The memory that it was put aside for.",
    )
    categories = models.ManyToManyField(
        Category, through=Categorization, related_name="memories", blank=True
    )
    fingerprint = models.BinaryField(
        max_length=32, help_text="SHA-256 of the words, whatever their case and spacing."
    )
    words = SearchVectorField(help_text="The English lexemes that a search finds it by.")
    actor = models.CharField(
        max_length=MAX_NAME,
        blank=True,
        default="",
        db_default="",
        help_text="Who said it; empty when that is unknown.",
    )
    conversation = models.CharField(
        max_length=MAX_NAME,
        blank=True,
        default="",
        db_default="",
        help_text="The conversation that it was said in; empty when none was named.",
    )
    created_at = models.DateTimeField(
        default=timezone.now, help_text="When it was learned, which may be before it was sent."
    )
    arrival = models.BigIntegerField(
        db_default=Func(Value("memories_arrival"), function="nextval"),
        editable=False,
        help_text="Grows with each memory that arrives, and settles which of several of one moment "
        "came first. 0 for those that arrived before this was noted.",
    )
    updated_at = models.DateTimeField(default=timezone.now)

    # Of one that was just put down, or brought `with_relations`.
    category_names: list[str]
    supersedes_ids: Sequence[uuid.UUID] = ()

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
            # A page of a list. With the state last, one index brings any states in their order.
            models.Index("user", F("created_at").desc(), "id", "state", name="memory_newest_first"),
            # The same of everybody, for operators.
            models.Index(fields=["-created_at", "id", "state"], name="memory_newest_of_all"),
            # Two to count by: an entry is a few bytes, as so many are equal.
            models.Index(fields=["user", "state"], name="memory_by_user_and_state"),
            models.Index(fields=["app", "state"], name="memory_by_app_and_state"),
            models.Index(fields=["user", "fingerprint"], name="memory_by_fingerprint"),
            models.Index(
                fields=["superseded_by"],
                condition=Q(superseded_by__isnull=False),
                name="memory_by_superseding",
            ),
            # What is purged first.
            models.Index(
                fields=["state_changed_at", "id"],
                condition=Q(state=State.DELETED),
                name="memory_by_deletion",
            ),
            # What stands around a memory in its conversation, in the order of what was said.
            models.Index(
                fields=["app", "conversation", "created_at", "arrival", "id"],
                condition=Q(state="active") & (~Q(actor="") | ~Q(conversation="")),
                name="memory_by_place",
            ),
            # Without a pending list, which each search would have to read through.
            GinIndex(
                OpClass("user", name="uuid_ops"),
                OpClass("words", name="tsvector_ops"),
                name="memory_by_user_and_words",
                fastupdate=False,
            ),
        ]

    def __str__(self) -> str:
        return self.content[:80]

    def put_in(self, categories: Sequence[Category]) -> None:
        """Put a memory that is in no category into these."""
        if categories:
            with connection.cursor() as cursor:
                ids = [category.pk for category in categories]
                cursor.execute(PUT_IN, [self.pk, self.user_id, ids])
        self.category_names = sorted(category.name for category in categories)

    def move_to(self, categories: Sequence[Category]) -> None:
        """Take a memory out of its categories and put it into these, in the caller's transaction.

        The caller has locked the memory.
        """
        with connection.cursor() as cursor:
            cursor.execute(HELD, [self.pk, [category.pk for category in categories]])
        self.categories.clear()
        self.put_in(categories)
