from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models

from accounts.models import ApiKey, User
from apps_registry.models import App

if TYPE_CHECKING:
    pass


class LogLineQuerySet(models.QuerySet["LogLine"]):
    def of_user(self, user: User) -> LogLineQuerySet:
        return self.filter(user_id=user.pk)

    def after(self, sequence: int) -> LogLineQuerySet:
        """Keep the lines after this one, the oldest first."""
        return self.filter(sequence__gt=sequence).order_by("sequence")

    def of_kinds(self, kinds: Collection[str]) -> LogLineQuerySet:
        return self.filter(kind__in=kinds)

    def until(self, moment: datetime) -> LogLineQuerySet:
        return self.filter(at__lte=moment)

    def sequences_about(self, memory_ids: Collection[UUID]) -> list[int]:
        return list(
            self.filter(memory_id__in=memory_ids)
            .order_by("sequence")
            .values_list("sequence", flat=True)
        )


class LogLine(models.Model):
    """A change of a memory: one line of its user's log, which the database writes.

    A few lines are about no memory: their snapshot says what happened.

    Each line has the hash of the one before, and a salted hash of the memory as it was after the
    change. Purging a memory removes the content and its salt: the hashes stay, and tell nothing.
    See docs/decisions/0031-log.md.
    """

    class Kind(models.TextChoices):
        KNOWN = "known", "known when the log began"
        STORED = "stored"
        REVISED = "revised"
        STATE = "state", "state changed"
        SUPERSEDED = "superseded"
        CATEGORIES = "categories", "categories changed"
        METADATA = "metadata", "metadata changed"
        OWN_KEY = "own_key", "own key changed"
        PURGED = "purged"
        ERASED = "erased"
        # About no memory.
        RENAMED = "renamed", "category renamed"
        IMPORTED = "imported", "log of a former server"
        READ = "read"  # where the settings say so

    # Without constraints: lines outlive what they are about, and who made the change.
    user = models.ForeignKey(
        User, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    sequence = models.BigIntegerField(help_text="Counts the lines of a user without a gap.")
    at = models.DateTimeField(help_text="When it was written, just before the change was visible.")
    kind = models.CharField(max_length=10, choices=Kind)
    memory_id = models.UUIDField(
        null=True,
        help_text="Null for a renamed category, the log of a former server, and a reading.",
    )
    by = models.ForeignKey(
        User,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        related_name="+",
        help_text="Who changed it; empty for the server, and where it is unknown.",
    )
    key = models.ForeignKey(
        ApiKey,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        related_name="+",
        help_text="The key of the request.",
    )
    app = models.ForeignKey(
        App,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        related_name="+",
        help_text="The app that changed it.",
    )
    run = models.UUIDField(
        null=True, help_text="The run of inference, or the import, that this change is part of."
    )
    # The last rows of the memory's history that belong to this change, or to one before.
    last_state_change = models.BigIntegerField(default=0)
    last_revision = models.BigIntegerField(default=0)
    salt = models.BinaryField(null=True, help_text="16 random bytes, until the memory is purged.")
    snapshot = models.JSONField(
        null=True, help_text="The memory after the change, until it is purged."
    )
    # The same as in the snapshot, for lists in the order of time.
    said_at = models.DateTimeField(
        null=True, help_text="When the memory was said, as in the snapshot."
    )
    until = models.DateTimeField(
        null=True, help_text="When the next line about the memory was written."
    )
    content_hash = models.BinaryField(help_text="SHA-256 of the salt and the snapshot.")
    previous_hash = models.BinaryField(help_text="The hash of the line before; zeros at first.")
    hash = models.BinaryField(help_text="SHA-256 of this line, but for its content and salt.")

    objects = LogLineQuerySet.as_manager()

    class Meta:
        ordering = ["user", "sequence"]
        constraints = [
            models.UniqueConstraint(fields=["user", "sequence"], name="log_line_of_user_once")
        ]
        indexes = [
            models.Index(fields=["memory_id", "sequence"], name="log_line_by_memory"),
            models.Index(
                fields=["user", "sequence"],
                condition=models.Q(memory_id=None),
                name="log_line_about_no_memory",
            ),
            models.Index(
                fields=["user", "run", "sequence"],
                condition=models.Q(run__isnull=False),
                name="log_line_by_run",
            ),
            # What held at a moment and holds no more.
            models.Index(
                fields=["user", "until"],
                condition=models.Q(until__isnull=False),
                name="log_line_by_end",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sequence}: {self.kind}"


class LogChain(models.Model):
    """The end of a user's log. Whoever writes a line locks it first."""

    user = models.OneToOneField(
        User,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        primary_key=True,
        related_name="+",
    )
    sequence = models.BigIntegerField(help_text="Of the last line.")
    hash = models.BinaryField(help_text="Of the last line.")
    at = models.DateTimeField(help_text="When the last line was written.")

    def __str__(self) -> str:
        return f"{self.sequence}"
