from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Any

from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models.functions import Cast, Now
from django.utils import timezone

from accounts.models import User

from .categorization import Categorization
from .category import Category
from .log_line import LogLine


class UserCategoryQuerySet(models.QuerySet["UserCategory"]):
    def of(self, user: User, memories: models.QuerySet[models.Model]) -> UserCategoryQuerySet:
        """Keep the categories of these memories, which all belong to the user, by name."""
        # A subquery for each categorization until one matches, which mostly is the first: in a
        # join, PostgreSQL may read all memories of a category first.
        memory = memories.filter(pk=models.OuterRef("memory")).values("pk")[:1]
        categorizations = Categorization.objects.filter(
            user=user, category=models.OuterRef("category")
        ).alias(match=models.Subquery(memory))
        matching = models.Exists(categorizations.filter(match__isnull=False))
        categories = self.filter(matching, user=user).select_related("category")
        return categories.order_by("category__name")

    def categories(self, user: User, ids: Collection[uuid.UUID]) -> models.QuerySet[Any]:
        """The ids of the categories that this user knows by these ids, as a subquery."""
        return self.filter(user=user, pk__in=ids).values("category")

    def unused(self) -> UserCategoryQuerySet:
        """Keep categories in which the user has no memory, nor had one as far as is known.

        What a line of the log tells is known until its memory is purged.
        """
        categorizations = Categorization.objects.filter(
            user=models.OuterRef("user"), category=models.OuterRef("category")
        )
        is_named = models.Func(
            models.F("snapshot__categories"),
            Cast(models.OuterRef("category"), models.TextField()),
            function="jsonb_exists",
            output_field=models.BooleanField(),
        )
        lines = LogLine.objects.filter(user=models.OuterRef("user")).alias(is_named=is_named)
        naming = lines.filter(is_named=True)
        return self.filter(~models.Exists(categorizations), ~models.Exists(naming))

    def locked(self) -> UserCategoryQuerySet:
        """Lock these, in the caller's transaction, and keep those that still match once locked."""
        locked = self.order_by("user", "category").select_for_update(of=("self",))
        return self.filter(pk__in=list(locked.values_list("pk", flat=True)))


class UserCategory(models.Model):
    """A category as one user has it: its id, description and times tell nothing of other users.

    A trigger of the database creates it with the user's first categorization.
    """

    id = models.UUIDField(
        primary_key=True, default=uuid.uuid4, db_default=RandomUUID(), editable=False
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    category = models.ForeignKey(Category, on_delete=models.CASCADE, related_name="+")
    own_description = models.TextField(  # noqa: DJ001 - an empty one is another
        null=True,
        blank=True,
        help_text="From the user's archive; null where it is that of the category.",
    )
    created_at = models.DateTimeField(default=timezone.now, db_default=Now())
    updated_at = models.DateTimeField(default=timezone.now, db_default=Now())

    objects = UserCategoryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "user categories"
        constraints = [
            models.UniqueConstraint(fields=["user", "category"], name="category_once_per_user")
        ]

    def __str__(self) -> str:
        return f"{self.category} of {self.user}"

    @property
    def name(self) -> str:
        return self.category.name

    @property
    def description(self) -> str:
        own = self.own_description
        return self.category.description if own is None else own
