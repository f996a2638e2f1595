from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from datetime import timedelta

from django.db import models
from django.utils import timezone

from .user import User

KEPT_FOR = timedelta(hours=24)


class KeptAnswerQuerySet(models.QuerySet["KeptAnswer"]):
    def expired(self) -> KeptAnswerQuerySet:
        return self.filter(created_at__lte=timezone.now() - KEPT_FOR)

    def showing(self, objects: Collection[uuid.UUID]) -> KeptAnswerQuerySet:
        """Keep the answers that show any of these memories."""
        return self.filter(shown__in=objects)

    def about(self, users: Iterable[User]) -> KeptAnswerQuerySet:
        """Keep the answers that users got, and those that others got about them."""
        return self.filter(models.Q(user__in=users) | models.Q(subject__in=users))


class KeptAnswer(models.Model):
    """The answer to a call with an idempotency key, for the same call made again.

    It is encrypted with a key that is derived from the idempotency key, which is not stored.
    """

    user = models.ForeignKey(
        User,
        on_delete=models.CASCADE,
        related_name="+",
        db_index=False,
        help_text="The user of the key that made the call.",
    )
    subject = models.ForeignKey(
        User,
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        db_index=False,
        help_text="The user whom it is about, where that is another one.",
    )
    digest = models.BinaryField(max_length=32, help_text="SHA-256 of the idempotency key.")
    fingerprint = models.BinaryField(max_length=32, help_text="A keyed hash of the call.")
    answer = models.BinaryField(help_text="The answer, encrypted.")
    # Without a constraint: memories are in another Django app.
    shown = models.UUIDField(null=True, help_text="The memory that the answer shows, if any.")
    awaited_until = models.DateTimeField(
        null=True, help_text="Until when the call may still get another answer, if it waits."
    )
    created_at = models.DateTimeField(default=timezone.now)

    objects = KeptAnswerQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "digest"], name="one_answer_per_user_and_key")
        ]
        indexes = [
            models.Index(fields=["created_at"], name="kept_answer_by_age"),
            models.Index(
                fields=["subject"],
                condition=models.Q(subject__isnull=False),
                name="kept_answer_by_subject",
            ),
            models.Index(
                fields=["shown"],
                condition=models.Q(shown__isnull=False),
                name="kept_answer_by_shown",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.created_at}"

    @property
    def is_expired(self) -> bool:
        return self.created_at <= timezone.now() - KEPT_FOR
