from __future__ import annotations

import uuid

from django.db import models

from accounts.models import User
from openmemory.errors import NotAllowed


class AppPaused(NotAllowed):
    """This app is paused: it reads and writes nothing until it is active again."""

    code = "app_paused"


class AppQuerySet(models.QuerySet["App"]):
    def owned_by(self, user: User) -> AppQuerySet:
        return self.filter(owner=user)

    def acting_for(self, user: User, *, name: str) -> App:
        """Find the user's app of this name, made on first use. Raises AppPaused."""
        app, _ = self.get_or_create(owner=user, name=name)
        if not app.is_active:
            raise AppPaused
        return app


class App(models.Model):
    """A program that remembers and recalls for one user, made when it is first heard of."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="apps")
    name = models.CharField(max_length=255, help_text="What the app calls itself.")
    description = models.TextField(blank=True, help_text="What the app is for.")
    metadata = models.JSONField(default=dict, blank=True)
    is_active = models.BooleanField(
        default=True, help_text="A paused app reads and writes nothing."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = AppQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="app_name_unique_per_owner")
        ]

    def __str__(self) -> str:
        return self.name
