from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.models import User
from apps_registry.models import App
from memories.limits import MAX_NAME
from memories.words import WORDS_VERSION

from .categorization import Categorization
from .category import Category
from .memory_queryset import (
    MemoryDeleted,
    MemoryExpired,
    MemoryImmutable,
    MemoryNotFound,
    MemoryQuerySet,
)
from .state import EXPIRED, LIVE, State
from .terms import WithTerms

__all__ = [
    "Memory",
    "MemoryDeleted",
    "MemoryExpired",
    "MemoryImmutable",
    "MemoryNotFound",
    "MemoryQuerySet",
]


class Memory(WithTerms):
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
    categories_given = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="Whether its categories were sent with its text, or for it: no model then "
        "assigns others.",
    )
    version = models.BigIntegerField(
        default=1,
        db_default=1,
        editable=False,
        help_text="Raised by the database with each change.",
    )
    fingerprint = models.BinaryField(
        max_length=32, help_text="SHA-256 of the text, ignoring case and spacing."
    )
    words = SearchVectorField(help_text="The lexemes for keyword search.")
    words_version = models.PositiveSmallIntegerField(
        default=WORDS_VERSION,
        db_default=0,
        editable=False,
        help_text="The version of the analyser that found its lexemes.",
    )
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
    agent_id = models.CharField(
        max_length=MAX_NAME,
        blank=True,
        default="",
        db_default="",
        help_text="The agent that it belongs to, as clients of Mem0 name it; empty if none.",
    )
    namespace = models.CharField(
        max_length=MAX_NAME,
        blank=True,
        default="",
        db_default="",
        db_collation="C",  # for what begins with a prefix
        help_text="The namespace of its own key: parts separated by dots. Empty if it has none.",
    )
    own_key = models.CharField(
        max_length=MAX_NAME,
        blank=True,
        default="",
        db_default="",
        db_collation="C",
        help_text="The key of its own that a program stored it by. Empty if it has none.",
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

    class Meta(WithTerms.Meta):
        verbose_name_plural = "memories"
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=State.values), name="memory_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(superseded_by=None) | ~Q(state__in=LIVE),
                name="memory_superseded_is_put_aside",
            ),
            models.CheckConstraint(
                condition=Q(valid_until=None)
                | Q(valid_from=None)
                | Q(valid_until__gt=F("valid_from")),
                name="memory_is_valid_for_a_time",
            ),
            models.UniqueConstraint(
                fields=["user", "namespace", "own_key"],
                condition=~Q(own_key=""),
                name="memory_has_its_own_key",
            ),
        ]
        indexes = [
            # A page of a list. With the state last, one index serves any states in order.
            models.Index("user", F("created_at").desc(), "id", "state", name="memory_newest_first"),
            # The same for all users, for operators.
            models.Index(fields=["-created_at", "id", "state"], name="memory_newest_of_all"),
            # For counts: an entry is a few bytes, as equal ones are deduplicated. With the expiry,
            # so that the memories themselves need not be read.
            models.Index(fields=["user", "state", "expires_at"], name="memory_of_user_by_state"),
            models.Index(fields=["app", "state", "expires_at"], name="memory_of_app_by_state"),
            models.Index(
                fields=["expires_at", "id"],
                condition=Q(expires_at__isnull=False),
                name="memory_by_expiry",
            ),
            # The few that have any of these, newest first, for operators.
            models.Index(
                fields=["-created_at", "id"],
                condition=Q(valid_from__isnull=False)
                | Q(valid_until__isnull=False)
                | Q(immutable=True),
                name="memory_with_terms",
            ),
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
            # What an account's clients of Mem0 filter by.
            models.Index(
                fields=["user", "agent_id"], condition=~Q(agent_id=""), name="memory_by_agent"
            ),
            # The neighbours of a memory in its conversation, in order.
            models.Index(
                fields=["app", "conversation", "created_at", "arrival", "id"],
                condition=Q(state="active") & (~Q(actor="") | ~Q(conversation="")),
                name="memory_by_place",
            ),
            # What became valid in a period.
            models.Index(
                fields=["user", "valid_from"],
                condition=Q(valid_from__isnull=False),
                name="memory_by_validity",
            ),
            # What is always put into a prompt.
            models.Index(
                "user",
                F("created_at").desc(),
                "id",
                condition=Q(metadata__contains={"pinned": True}),
                name="memory_pinned",
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

    @property
    def shown_state(self) -> str:
        """The state, or `expired`. A deleted memory stays deleted."""
        return EXPIRED if self.is_expired and self.state != State.DELETED else self.state

    def add_categories(self, categories: Sequence[Category]) -> None:
        """Add a memory without categories to these."""
        if categories:
            ids = [category.pk for category in categories]
            Categorization.objects.insert(self.pk, user_id=self.user_id, category_ids=ids)
        self.category_names = sorted(category.name for category in categories)

    def replace_categories(self, categories: Sequence[Category]) -> None:
        """Move a memory to these categories, in the caller's transaction, which has locked it."""
        ids = [category.pk for category in categories]
        Categorization.objects.replace(self.pk, user_id=self.user_id, category_ids=ids)
        self.category_names = sorted(category.name for category in categories)
