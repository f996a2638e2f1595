from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Count, F, Max, Min, OuterRef, Q, Subquery

from accounts.models import User
from core.errors import NotAllowed, NotFound


class AppNotFound(NotFound):
    """App not found."""

    code = "app_not_found"


class AppPaused(NotAllowed):
    """This app is paused: it reads and writes nothing until it is active again."""

    code = "app_paused"


class AppQuerySet(models.QuerySet["App"]):
    def owned_by(self, user: User) -> AppQuerySet:
        return self.filter(owner=user)

    def paused(self) -> AppQuerySet:
        return self.filter(is_active=False)

    def get_by_id(self, pk: uuid.UUID) -> App:
        """Get an app of these. Raises AppNotFound."""
        try:
            return self.get(pk=pk)
        except App.DoesNotExist:
            raise AppNotFound from None

    def with_counts(self) -> AppQuerySet:
        """Count of each app the memories it put down, less the deleted, and those it has read."""
        # By the column that is in the index beside the state, not by the id, which is not.
        kept = Count("memories__app", filter=~Q(memories__state="deleted"))
        return self.annotate(
            total_memories_created=_of_each(kept), total_memories_accessed=F("memories_read")
        )

    def with_usage(self) -> AppQuerySet:
        """Say of each app how often it has read a memory, and when first and last."""
        return self.with_counts().annotate(
            total_accesses=_of_each(Count("accesses")),
            first_accessed=_of_each(Min("accesses__accessed_at")),
            last_accessed=_of_each(Max("accesses__accessed_at")),
        )

    def get_or_create_active(self, user: User, *, name: str) -> App:
        """Find the user's app of this name, made on first use. Raises AppPaused."""
        app, _ = self.get_or_create(owner=user, name=name)
        if not app.is_active:
            raise AppPaused
        return app


def _of_each(figure: models.Aggregate) -> Subquery:
    # One subquery a figure: joined together, memories and accesses would multiply each other.
    return Subquery(
        App.objects.filter(pk=OuterRef("pk")).values("pk").annotate(figure=figure).values("figure")
    )


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
    # Kept by what writes the log of accesses: counted from it, this takes longer with every search.
    memories_read = models.PositiveBigIntegerField(
        default=0, editable=False, help_text="How many different memories it has read."
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

    def set_active(self, active: bool) -> None:
        """Let the app read and write, or pause it."""
        self.is_active = active
        self.save(update_fields=["is_active", "updated_at"])
