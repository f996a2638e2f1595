"""Bounded results for language models, with a cursor for the next page."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from django.db.models import Q

from core.errors import Malformed
from memories.models import Memory
from memories.models.memory import MemoryQuerySet

# Characters of text and metadata in one result: about 12,000 tokens. One memory may be larger.
MAX_CHARACTERS = 50_000

_COUNT = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)

T = TypeVar("T")


class InvalidCursor(Malformed):
    """This `cursor` is not from this tool. Leave it out to start from the beginning."""


def take_fitting(items: Sequence[T], memories_of: Callable[[T], Iterable[Memory]]) -> list[T]:
    """Return the first items that fit into one result, and at least one."""
    page: list[T] = []
    remaining = MAX_CHARACTERS
    for item in items:
        remaining -= sum(_count_characters(memory) for memory in memories_of(item))
        if page and remaining < 0:
            break
        page.append(item)
    return page


def _count_characters(memory: Memory) -> int:
    return len(memory.content) + len(json.dumps(memory.metadata, ensure_ascii=False))


def parse_offset(cursor: str | None, *, maximum: int) -> int:
    """Parse a cursor that is the number of items on earlier pages. Raises InvalidCursor."""
    if cursor is None:
        return 0
    if not (_COUNT.fullmatch(cursor) and int(cursor) <= maximum):
        raise InvalidCursor
    return int(cursor)


def after(memories: MemoryQuerySet, cursor: str | None) -> MemoryQuerySet:
    """Return the memories after a position, newest first. Raises InvalidCursor.

    A position, not an offset: memories stored meanwhile do not shift the pages.
    """
    ordered = memories.order_by("-created_at", "id")
    if cursor is None:
        return ordered
    time, pk = _parse_position(cursor)
    following = Q(created_at__lt=time) | Q(created_at=time, pk__gt=pk)
    return ordered.filter(following, created_at__lte=time)


def _parse_position(cursor: str) -> tuple[datetime, uuid.UUID]:
    text, _, pk = cursor.partition("|")
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is not None:
            return time, uuid.UUID(pk)
    except ValueError:
        pass
    raise InvalidCursor


def position_of(memory: Memory) -> str:
    return f"{memory.created_at.isoformat()}|{memory.pk}"
