"""Answers that a model can take in: bounded, with a cursor for the rest."""

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

# Characters of text and metadata in one answer: some 12,000 tokens. One memory may be larger.
MOST_CHARACTERS = 50_000

_COUNT = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)

T = TypeVar("T")


class WrongCursor(Malformed):
    """This `cursor` is none that this tool gave: leave it out to begin anew."""


def fitting(items: Sequence[T], shown_of: Callable[[T], Iterable[Memory]]) -> list[T]:
    """The first of these that one answer has room for, and at least one."""
    kept: list[T] = []
    left = MOST_CHARACTERS
    for item in items:
        left -= sum(_characters(memory) for memory in shown_of(item))
        if kept and left < 0:
            break
        kept.append(item)
    return kept


def _characters(memory: Memory) -> int:
    return len(memory.content) + len(json.dumps(memory.metadata, ensure_ascii=False))


def offset(cursor: str | None, *, most: int) -> int:
    """Read a cursor that counts what was shown before. Raises WrongCursor."""
    if cursor is None:
        return 0
    if not (_COUNT.fullmatch(cursor) and int(cursor) <= most):
        raise WrongCursor
    return int(cursor)


def after(memories: MemoryQuerySet, cursor: str | None) -> MemoryQuerySet:
    """The memories that follow a place in the order of the newest first. Raises WrongCursor.

    A place, not a number: what is put down meanwhile moves nothing to another page.
    """
    ordered = memories.order_by("-created_at", "id")
    if cursor is None:
        return ordered
    moment, pk = _place(cursor)
    behind = Q(created_at__lt=moment) | Q(created_at=moment, pk__gt=pk)
    return ordered.filter(behind, created_at__lte=moment)


def _place(cursor: str) -> tuple[datetime, uuid.UUID]:
    written, _, pk = cursor.partition("|")
    try:
        moment = datetime.fromisoformat(written)
        if moment.tzinfo is not None:
            return moment, uuid.UUID(pk)
    except ValueError:
        pass
    raise WrongCursor


def place_of(memory: Memory) -> str:
    return f"{memory.created_at.isoformat()}|{memory.pk}"
