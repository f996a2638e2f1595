from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.models import User


def fingerprint(user_id: str, *, secret: str | None = None) -> str:
    """A keyed hash that identifies an erased user.

    With the `user_id` and the server's secret key one can verify it, but not recover the name.
    """
    digest = salted_hmac("operators.receipt", user_id, secret=secret, algorithm="sha256")
    return digest.hexdigest()


class ReceiptQuerySet(models.QuerySet["Receipt"]):
    def about(self, user_id: str) -> ReceiptQuerySet:
        """The receipts of the erasure of the user with this id."""
        secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
        return self.filter(subject__in=[fingerprint(user_id, secret=secret) for secret in secrets])


class Receipt(models.Model):
    """Proof that data was removed: what, how much and when, but none of its content."""

    class Kind(models.TextChoices):
        PURGE = "purge"  # of memories deleted long ago
        ERASURE = "erasure"  # of all data of a user

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=8, choices=Kind)
    act = models.UUIDField(
        default=uuid.uuid4,
        help_text="The act of removal. It has one receipt per step.",
    )
    subject = models.CharField(
        max_length=64, blank=True, help_text="The keyed hash of the erased user's `user_id`."
    )
    memories = ArrayField(
        models.UUIDField(), default=list, help_text="The ids of the memories removed in this step."
    )
    log_lines = ArrayField(
        models.BigIntegerField(),
        default=list,
        db_default=[],
        help_text="The lines of the erased user's log that lost their content with them.",
    )
    counts = models.JSONField(
        default=dict, help_text="The number of removed rows by table, and of files."
    )
    remarks = models.JSONField(
        default=list, help_text="Data that could not be reached, and what to do by hand."
    )
    made_by = models.ForeignKey(
        User,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        db_index=False,
        help_text="The operator who started it. Empty if the server did.",
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
