from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.models import User


def fingerprint(user_id: str, *, secret: str | None = None) -> str:
    """What stands for a user who is gone.

    Who knows the `user_id` and has the server's secret key can tell whether it is them, and
    nobody can read the name from it.
    """
    keyed = salted_hmac("operators.receipt", user_id, secret=secret, algorithm="sha256")
    return keyed.hexdigest()


class ReceiptQuerySet(models.QuerySet["Receipt"]):
    def about(self, user_id: str) -> ReceiptQuerySet:
        """Keep the receipts of the erasure of whoever was called this."""
        secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
        return self.filter(subject__in=[fingerprint(user_id, secret=each) for each in secrets])


class Receipt(models.Model):
    """That something was removed for good: how much of what and when, and none of its content."""

    class Kind(models.TextChoices):
        PURGE = "purge"  # of what was deleted long ago
        ERASURE = "erasure"  # of all that is kept of a person

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=8, choices=Kind)
    act = models.UUIDField(
        default=uuid.uuid4,
        help_text="What was removed in one go. It has a receipt of each of its steps.",
    )
    subject = models.CharField(
        max_length=64, blank=True, help_text="The keyed hash of the user_id of who was erased."
    )
    memories = ArrayField(
        models.UUIDField(), default=list, help_text="The ids of the memories of this step."
    )
    counts = models.JSONField(default=dict, help_text="How many rows of which table, and files.")
    remarks = models.JSONField(
        default=list, help_text="What could not be reached, and what is left to be done by hand."
    )
    made_by = models.ForeignKey(
        User,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        db_index=False,
        help_text="The operator who asked for it; nobody where the server does it by itself.",
    )
    made_at = models.DateTimeField(default=timezone.now)

    objects = ReceiptQuerySet.as_manager()

    class Meta:
        ordering = ["-made_at", "-id"]
        indexes = [
            models.Index(fields=["-made_at", "-id"], name="receipt_newest_first"),
            models.Index(
                fields=["subject"], condition=~models.Q(subject=""), name="receipt_by_subject"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.made_at:%Y-%m-%d %H:%M}"
