from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from accounts.models import User
from memories.limits import MAX_CATEGORY_NAME, MAX_NAME

from .author import WithAuthor
from .memory import Memory


class Revision(WithAuthor):
    """What a memory was before an edit. Fields that the edit left as they were are null."""

    memory = models.ForeignKey(Memory, on_delete=models.CASCADE, related_name="revisions")
    content = models.TextField(help_text="The text before the edit.")
    # The text is always there, as other servers read archives that need it.
    edits_text = models.BooleanField(
        default=True, db_default=True, help_text="Whether the edit changed the text."
    )
    metadata = models.JSONField(null=True, blank=True, help_text="The metadata before the edit.")
    categories = ArrayField(
        models.CharField(max_length=MAX_CATEGORY_NAME),
        null=True,
        blank=True,
        help_text="The names of its categories before the edit.",
    )
    # Empty where it was unknown, null where it was not edited.
    actor = models.CharField(  # noqa: DJ001
        max_length=MAX_NAME, null=True, blank=True, help_text="The actor before the edit."
    )
    conversation = models.CharField(  # noqa: DJ001
        max_length=MAX_NAME, null=True, blank=True, help_text="The conversation before the edit."
    )
    said_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was said, before the edit."
    )
    terms = models.JSONField(
        null=True,
        blank=True,
        help_text="Which of expires_at, valid_from, valid_until and immutable the edit changed, "
        "as they were before.",
    )
    edited_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    edited_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["edited_at", "id"]

    def __str__(self) -> str:
        return self.content[:80]
