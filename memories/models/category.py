from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Lower


class Category(models.Model):
    """A theme that memories are about, shared by all users: only its name is."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100, help_text="In lower case, as clients see it.")
    description = models.TextField(blank=True, help_text="What belongs here, in a sentence.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "categories"
        constraints = [
            models.UniqueConstraint(Lower("name"), name="category_name_unique_in_any_case")
        ]

    def __str__(self) -> str:
        return self.name
