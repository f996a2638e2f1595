"""Make one category of several, and give a category another name.

A name that was merged or given up goes on leading to its category. Whoever names it, as the
built-in themes, language models and archives do again and again, would otherwise make it anew.
See docs/decisions/0023-categories.md.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection, transaction

from core.errors import Conflict, Malformed
from memories.lifecycle.states import CategoryNotFound
from memories.models import ArchivePolicy, Category

# Any number that nothing else in this database locks: one merge at a time.
ADVISORY_LOCK = 5_190_514

LONGEST_NAME = 100

# Row by row, in place: who takes a memory out of its categories meanwhile waits for its row, and
# finds it where it went. A memory that is in both already only leaves the one.
MOVED = """
UPDATE memories_categorization AS it SET category_id = %(into)s
WHERE category_id = %(merged)s AND NOT EXISTS (
    SELECT FROM memories_categorization AS there
    WHERE there.memory_id = it.memory_id AND there.category_id = %(into)s
)
"""
LEFT_OVER = "DELETE FROM memories_categorization WHERE category_id = %(merged)s"


class CategoryMerged(Conflict):
    """This category has been merged into another one meanwhile."""

    code = "category_merged"


class NothingToMerge(Malformed):
    """Choose at least two categories, and into which of them the others are to go."""

    code = "nothing_to_merge"


class NameRefused(Malformed):
    """The name of a category is 1 to 100 characters in lower case, without commas."""

    code = "name_refused"


class NameTaken(Conflict):
    """Another category has this name. Merge the two, if they mean the same."""

    code = "name_taken"

    def __init__(self, other: Category) -> None:
        super().__init__(f"There is a category “{other}” already. Merge the two, if you like.")
        self.other = other


@dataclass(frozen=True)
class Merged:
    into: Category
    moved: int  # memories that came into it
    both: int  # memories that were in it already


def merge(ids: Collection[uuid.UUID], *, into: uuid.UUID) -> Merged:
    """Put all memories of these categories into one of them, whose former names the others become.

    All or nothing, and no memory is lost or changed. Whoever puts a memory into one of those that
    are merged waits until it is done. Raises NothingToMerge, CategoryNotFound and CategoryMerged.
    """
    merged = sorted(set(ids) - {into})
    if not merged:
        raise NothingToMerge
    with transaction.atomic():
        _one_at_a_time()
        target = _standing([into], lock=False)[0]
        _standing(merged, lock=True)
        sources = Category.objects.filter(pk__in=merged)
        Category.objects.filter(merged_into__in=merged).update(merged_into=target)
        sources.update(merged_into=target)
        ArchivePolicy.objects.filter(category__in=merged).update(category=target)
        moved = both = 0
        for pk in merged:
            moved += _execute(MOVED, merged=pk, into=target.pk)
            both += _execute(LEFT_OVER, merged=pk)
    return Merged(target, moved, both)


def rename(pk: uuid.UUID, name: str) -> Category:
    """Give a category another name, to which its present one leads from then on.

    Raises NameRefused, NameTaken, CategoryNotFound and CategoryMerged.
    """
    name = _read(name)
    with transaction.atomic():
        _one_at_a_time()
        [category] = _standing([pk], lock=False)
        if name == category.name:
            return category
        _give_up(name, to=category)
        former, category.name = category.name, name
        category.save(update_fields=["name", "updated_at"])
        Category.objects.create(name=former, merged_into=category)
    return category


def release(former_name: uuid.UUID) -> None:
    """Let a former name be that of a category of its own again, once something is put there.

    What was merged stays where it is.
    """
    with transaction.atomic():
        _one_at_a_time()
        Category.objects.filter(pk=former_name, merged_into__isnull=False).delete()


def _read(name: str) -> str:
    read = " ".join(name.split()).lower()
    # A comma stands between names where several are listed in a query.
    if not read or len(read) > LONGEST_NAME or "," in read or "\0" in read:
        raise NameRefused
    return read


def _give_up(name: str, *, to: Category) -> None:
    """Free a name that leads to the category itself. Raises NameTaken."""
    there = Category.objects.select_related("merged_into").filter(name=name).first()
    if there is None:
        return
    if there.merged_into_id != to.pk:
        raise NameTaken(there.merged_into or there)
    there.delete()


def _standing(ids: Collection[uuid.UUID], *, lock: bool) -> list[Category]:
    """Read categories that are none's former names. Raises CategoryNotFound and CategoryMerged.

    `lock` waits for whoever is putting memories into them, and lets nobody do so meanwhile.
    """
    categories = Category.objects.filter(pk__in=ids).order_by("pk")
    found = list(categories.select_for_update() if lock else categories)
    if len(found) < len(ids):
        raise CategoryNotFound
    if any(category.merged_into_id for category in found):
        raise CategoryMerged
    return found


def _one_at_a_time() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])


def _execute(statement: str, **parameters: uuid.UUID) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)
