from __future__ import annotations

from django.db import models

from accounts.models import ApiKey
from apps_registry.models import App


class WithAuthor(models.Model):
    """A change of a memory, with what made it."""

    # Without constraints: to delete a key or an app, these tables would have to be searched.
    key = models.ForeignKey(
        ApiKey,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        help_text="The key of the request.",
    )
    app = models.ForeignKey(
        App,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        help_text="The app that changed it.",
    )

    class Meta:
        abstract = True
