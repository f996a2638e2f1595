from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower

from core.errors import NotFound
from memories.limits import MAX_CATEGORY_NAME
from memories.taxonomy import BUILT_IN_CATEGORIES, normalize_category_name

from .categorization import Categorization


class CategoryNotFound(NotFound):
    """Category not found."""

    code = "category_not_found"


class CategoryQuerySet(models.QuerySet["Category"]):
    def canonical(self) -> CategoryQuerySet:
        """Keep categories that memories can be in, without the former names that lead to them."""
        return self.filter(merged_into=None)

    def unused(self) -> CategoryQuerySet:
        """Keep categories without memories that a language model once named.

        The built-in categories and those of the operator stay, even under another name.
        """
        permanent = [*(category.name for category in BUILT_IN_CATEGORIES), *settings.CATEGORIES]
        categorizations = Categorization.objects.filter(category=models.OuterRef("pk"))
        permanent_names = Category.objects.filter(
            merged_into=models.OuterRef("pk"), name__in=permanent
        )
        unused = self.canonical().exclude(name__in=permanent)
        return unused.filter(~models.Exists(categorizations), ~models.Exists(permanent_names))

    def abandoned(self) -> CategoryQuerySet:
        """Keep unused categories that no operator has changed or refers to."""
        return self.unused().filter(archive_policies=None, former_names=None, description="")

    def locked(self) -> CategoryQuerySet:
        """Lock these, in the caller's transaction, and keep those that still match once locked.

        Until they are locked, another transaction may put a memory into one of them.
        """
        locked = self.order_by("pk").select_for_update(of=("self",))
        return self.filter(pk__in=list(locked.values_list("pk", flat=True)))

    def get_or_create_many(self, names: Sequence[str]) -> list[Category]:
        """Get the categories of these names, in this order, and create those that are missing.

        A former name leads to its canonical category, so there may be fewer categories than names.
        """
        return list(dict.fromkeys(self.get_or_create_by_name(names).values()))

    def get_or_create_by_name(self, names: Sequence[str]) -> dict[str, Category]:
        """The same, as a mapping from each name to its canonical category.

        Raises InvalidCategoryName.
        """
        if not names:
            return {}
        normalized = {name: normalize_category_name(name) for name in names}
        existing = self.select_related("merged_into").filter(name__in=normalized.values())
        by_name = {category.name: category.merged_into or category for category in existing}
        # In order: two requests that create the same ones would deadlock otherwise.
        missing = sorted({name for name in normalized.values() if name not in by_name})
        if missing:
            descriptions = {category.name: category.description for category in BUILT_IN_CATEGORIES}
            # Another request may create the same one at the same moment: then that one is used.
            Category.objects.bulk_create(
                [Category(name=name, description=descriptions.get(name, "")) for name in missing],
                ignore_conflicts=True,
            )
            by_name |= {category.name: category for category in self.filter(name__in=missing)}
        return {name: by_name[normalized[name]] for name in names}


class Category(models.Model):
    """A topic of memories, by its name. What users see of it is their `UserCategory`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=MAX_CATEGORY_NAME, unique=True, help_text="In lower case.")
    description = models.TextField(
        blank=True, help_text="What belongs here, in a sentence. Shown to all users."
    )
    merged_into = models.ForeignKey(
        "self",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="former_names",
        help_text="The category that this one was merged into, and that gets its new memories.",
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
