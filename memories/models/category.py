from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower

from accounts.models import User
from memories.categories.taxonomy import THEMES

from .categorization import Categorization

if TYPE_CHECKING:
    from .memory import Memory


class CategoryQuerySet(models.QuerySet["Category"]):
    def standing(self) -> CategoryQuerySet:
        """Keep those that memories are in, and leave out the former names of these."""
        return self.filter(merged_into=None)

    def of(self, user: User, memories: models.QuerySet[Memory]) -> CategoryQuerySet:
        """Keep the categories that any of these memories of the user is in."""
        # Looked up for one categorization after another until there is one, which mostly is the
        # first: joined, PostgreSQL may read all of a category before it looks.
        one_of_them = memories.filter(pk=models.OuterRef("memory")).values("pk")[:1]
        in_it = Categorization.objects.filter(user=user, category=models.OuterRef("pk")).alias(
            found=models.Subquery(one_of_them)
        )
        return self.filter(models.Exists(in_it.filter(found__isnull=False)))

    def unused(self) -> CategoryQuerySet:
        """Keep what a model once named, and no memory is in.

        What the server knows by itself stays, and what the operator has set, under any name.
        """
        kept = [*(theme.name for theme in THEMES), *settings.CATEGORIES]
        in_it = Categorization.objects.filter(category=models.OuterRef("pk"))
        leading = Category.objects.filter(merged_into=models.OuterRef("pk"), name__in=kept)
        unused = self.standing().exclude(name__in=kept)
        return unused.filter(~models.Exists(in_it), ~models.Exists(leading))

    def abandoned(self) -> CategoryQuerySet:
        """Keep the unused that no operator has seen to either."""
        return self.unused().filter(archive_policies=None, former_names=None, description="")

    def held(self) -> CategoryQuerySet:
        """Lock these, in the caller's transaction, and keep those that are so once they are.

        Until they are locked, somebody may put a memory into one of them.
        """
        locked = self.order_by("pk").select_for_update(of=("self",))
        return self.filter(pk__in=list(locked.values_list("pk", flat=True)))

    def named(self, names: Sequence[str]) -> list[Category]:
        """Find the categories of these names, in this order, and make those that are missing.

        A former name leads to the category that was merged with its own: so there may be fewer.
        """
        return list(dict.fromkeys(self.by_name(names).values()))

    def by_name(self, names: Sequence[str]) -> dict[str, Category]:
        """The same, each under the name that it was asked for by."""
        if not names:
            return {}
        named = self.select_related("merged_into").filter(name__in=names)
        found = {category.name: category.merged_into or category for category in named}
        missing = [name for name in names if name not in found]
        if missing:
            described = {theme.name: theme.description for theme in THEMES}
            # Another request may make the same one at the same moment: then theirs is taken.
            made = [Category(name=name, description=described.get(name, "")) for name in missing]
            Category.objects.bulk_create(made, ignore_conflicts=True)
            found |= {category.name: category for category in self.filter(name__in=missing)}
        return {name: found[name] for name in names}


class Category(models.Model):
    """A theme that memories are about, shared by all users: only its name is."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100, unique=True, help_text="In lower case.")
    description = models.TextField(blank=True, help_text="What belongs here, in a sentence.")
    merged_into = models.ForeignKey(
        "self",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="former_names",
        help_text="The category that has its memories since, and gets those that would come here.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = CategoryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "categories"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(name=Lower("name")), name="category_name_in_lower_case"
            )
        ]

    def __str__(self) -> str:
        return self.name
