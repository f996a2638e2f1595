"""Merge categories, and rename one.

A name that was merged or given up keeps leading to its category. Otherwise the next memory of the
built-in classifier, a language model or an archive would create it again. See
docs/decisions/0023-categories.md.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass

from django.db import transaction

from core.errors import Conflict, Malformed
from core.locks import Lock, lock_transaction
from core.sql import execute
from memories.models import ArchivePolicy, Category, CategoryNotFound
from memories.taxonomy import normalize_category_name

# Row by row, in place: a transaction that removes a memory from its categories meanwhile waits for
# the row, and finds it in the new category. A memory in both categories only leaves the old one.
MOVE_MEMORIES = """
UPDATE memories_categorization AS it SET category_id = %(into)s
WHERE category_id = %(merged)s AND NOT EXISTS (
    SELECT FROM memories_categorization AS there
    WHERE there.memory_id = it.memory_id AND there.category_id = %(into)s
)
"""
DELETE_REMAINING = "DELETE FROM memories_categorization WHERE category_id = %(merged)s"


class CategoryMerged(Conflict):
    """This category has been merged into another one meanwhile."""

    code = "category_merged"


class NothingToMerge(Malformed):
    """Choose at least two categories, and the one that the others are merged into."""

    code = "nothing_to_merge"


class NameTaken(Conflict):
    """Another category has this name. Merge the two if they mean the same."""

    code = "name_taken"

    def __init__(self, other: Category) -> None:
        super().__init__(
            f"The category “{other}” exists already. Merge the two if they mean the same."
        )
        self.other = other


@dataclass(frozen=True)
class MergeResult:
    into: Category
    moved: int  # memories that were added to it
    duplicates: int  # memories that were in it already


def merge_categories(ids: Collection[uuid.UUID], *, into: uuid.UUID) -> MergeResult:
    """Move all memories of these categories into one of them, and make the others its former names.

    Atomic: no memory is lost or changed. A transaction that puts a memory into a category being
    merged waits. Raises NothingToMerge, CategoryNotFound and CategoryMerged.
    """
    source_ids = sorted(set(ids) - {into})
    if not source_ids:
        raise NothingToMerge
    with transaction.atomic():
        lock_transaction(Lock.CATEGORIES)
        [target] = _get_canonical([into], lock=False)
        _get_canonical(source_ids, lock=True)
        sources = Category.objects.filter(pk__in=source_ids)
        Category.objects.filter(merged_into__in=source_ids).update(merged_into=target)
        sources.update(merged_into=target)
        ArchivePolicy.objects.filter(category__in=source_ids).update(category=target)
        moved = duplicates = 0
        for pk in source_ids:
            moved += execute(MOVE_MEMORIES, {"merged": pk, "into": target.pk})
            duplicates += execute(DELETE_REMAINING, {"merged": pk})
    return MergeResult(target, moved, duplicates)


def rename_category(pk: uuid.UUID, name: str) -> Category:
    """Rename a category. Its present name becomes a former name of it.

    Raises InvalidCategoryName, NameTaken, CategoryNotFound and CategoryMerged.
    """
    name = normalize_category_name(name)
    with transaction.atomic():
        lock_transaction(Lock.CATEGORIES)
        [category] = _get_canonical([pk], lock=False)
        if name == category.name:
            return category
        _free_own_name(name, category)
        former_name, category.name = category.name, name
        category.save(update_fields=["name", "updated_at"])
        Category.objects.create(name=former_name, merged_into=category)
    return category


def free_former_name(pk: uuid.UUID) -> None:
    """Delete a former name, so that the next memory with this name creates a category of its own.

    Memories that were merged stay where they are.
    """
    with transaction.atomic():
        lock_transaction(Lock.CATEGORIES)
        Category.objects.filter(pk=pk, merged_into__isnull=False).delete()


def _free_own_name(name: str, category: Category) -> None:
    """Delete a former name of this very category. Raises NameTaken where another one has it."""
    existing = Category.objects.select_related("merged_into").filter(name=name).first()
    if existing is None:
        return
    if existing.merged_into_id != category.pk:
        raise NameTaken(existing.merged_into or existing)
    existing.delete()


def _get_canonical(ids: Collection[uuid.UUID], *, lock: bool) -> list[Category]:
    """Get categories that are no former names. Raises CategoryNotFound and CategoryMerged.

    `lock` waits for transactions that put memories into them, and keeps new ones out meanwhile.
    """
    queryset = Category.objects.filter(pk__in=ids).order_by("pk")
    categories = list(queryset.select_for_update() if lock else queryset)
    if len(categories) < len(ids):
        raise CategoryNotFound
    if any(category.merged_into_id for category in categories):
        raise CategoryMerged
    return categories
