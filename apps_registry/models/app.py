from __future__ import annotations

import uuid
from functools import partial
from typing import Any

from django.db import models
from django.db.models import Count, F, OuterRef, Q, Subquery
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import User
from core.compiled_query import CompiledQuery
from core.errors import NotAllowed, NotFound

from .access_rule import AccessRule


class AppNotFound(NotFound):
    """App not found."""

    code = "app_not_found"


class AppPaused(NotAllowed):
    """This app is paused. It cannot read or write until it is resumed."""

    code = "app_paused"


class AppQuerySet(models.QuerySet["App"]):
    def owned_by(self, user: User) -> AppQuerySet:
        return self.filter(owner=user)

    def paused(self) -> AppQuerySet:
        return self.filter(is_active=False)

    def get_by_id(self, pk: uuid.UUID) -> App:
        """Raises AppNotFound."""
        try:
            return self.get(pk=pk)
        except App.DoesNotExist:
            raise AppNotFound from None

    def with_counts(self, *, readable_by: App | None = None) -> AppQuerySet:
        """Annotate each app with how many memories it has stored and read.

        Of those that an app may read, if one is given. Deleted and expired ones are not stored.
        """
        stored = _pointing("memories").filter(
            ~Q(state="deleted"), Q(expires_at=None) | Q(expires_at__gt=timezone.now())
        )
        read: F | Combinable = F("memories_read")
        if readable_by:
            condition = partial(AccessRule.objects.condition_for, readable_by.pk)
            stored = stored.filter(condition(memory_id="pk"))
            read = _count(_pointing("first_accesses").filter(condition(memory_id="memory")))
        return self.annotate(total_memories_created=_count(stored), total_memories_accessed=read)

    def with_usage(self, *, readable_by: App | None = None) -> AppQuerySet:
        """Annotate each app with its number of reads, and the first and the last of them.

        Of the memories that an app may read, if one is given.
        """
        read = _reads(readable_by)
        return self.with_counts(readable_by=readable_by).annotate(
            total_accesses=_count(read),
            first_accessed=Subquery(read.order_by("accessed_at").values("accessed_at")[:1]),
            last_accessed=Subquery(read.order_by("-accessed_at").values("accessed_at")[:1]),
        )

    def with_last_access(self) -> AppQuerySet:
        """Annotate each app with when it last read something."""
        latest = _reads(None).order_by("-accessed_at").values("accessed_at")[:1]
        return self.annotate(last_accessed=Subquery(latest))

    def restricted(self, *, name: str) -> App | None:
        """Get the app of this name if rules restrict what it reads."""
        return self.filter(name=name, rules__isnull=False).first() if name else None

    def require_active(self, *, name: str) -> None:
        """Raises AppPaused if one of these has this name and is paused."""
        if self.paused().filter(name=name).exists():
            raise AppPaused

    def get_or_create_active(self, user: User, *, name: str) -> App:
        """Get the user's app of this name, created on first use. Raises AppPaused."""
        apps: list[App] = _named.fetch(owner=user.pk, name=name)
        app = apps[0] if apps else self.get_or_create(owner=user, name=name)[0]
        if not app.is_active:
            raise AppPaused
        return app


def _pointing(name: str) -> models.QuerySet[Any]:
    """The rows of another model that point to an app, for a subquery of it."""
    relation = App._meta.get_field(name)
    rows: models.QuerySet[Any] = relation.related_model._base_manager.all()  # type: ignore[union-attr]
    return rows.filter(app=OuterRef("pk")).order_by()


def _reads(readable_by: App | None) -> models.QuerySet[Any]:
    reads = _pointing("accesses")
    if readable_by:
        reads = reads.filter(AccessRule.objects.condition_for(readable_by.pk, memory_id="memory"))
    return reads


def _count(rows: models.QuerySet[Any]) -> Combinable:
    # Count the column that the indexes of these contain, not the id, which they lack. One subquery
    # per figure: joined together, memories and accesses would multiply each other.
    counted = rows.values("app").annotate(figure=Count("app")).values("figure")
    return Coalesce(Subquery(counted), 0)


class App(models.Model):
    """A program that stores and searches memories of one user, created on first use."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="apps")
    name = models.CharField(
        max_length=255, help_text="The name by which the app identifies itself."
    )
    description = models.TextField(blank=True, help_text="What the app is for.")
    metadata = models.JSONField(default=dict, blank=True)
    is_active = models.BooleanField(default=True, help_text="A paused app cannot read or write.")
    # Maintained by what writes the access log. Counting its rows would slow down with every search.
    memories_read = models.PositiveBigIntegerField(
        default=0, editable=False, help_text="How many distinct memories the app has read."
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
        """Resume or pause the app."""
        self.is_active = active
        self.save(update_fields=["is_active", "updated_at"])


def _of_owner(owner: uuid.UUID, name: str) -> models.QuerySet[App]:
    return App.objects.filter(owner=owner, name=name)


# Read with each request that acts as an app.
_named = CompiledQuery(_of_owner, owner=uuid.UUID(int=1), name="an example")
