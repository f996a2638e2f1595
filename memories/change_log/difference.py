"""What changed of a user's memories between two moments."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, Subquery

from memories.models import LogLine
from memories.models.log_line import LogLineQuerySet
from memories.models.memory import MemoryQuerySet
from memories.models.state import LIVE

from .as_of import Past


class Difference(StrEnum):
    STORED = "stored"
    REVISED = "revised"
    PUT_ASIDE = "put_aside"
    BROUGHT_BACK = "brought_back"


@dataclass(frozen=True)
class Changed:
    """A memory that is another one at the end than at the beginning. `at`: its last change."""

    memory_id: uuid.UUID
    change: Difference
    at: datetime


def find_changed(first: Past, last: Past, *, among: MemoryQuerySet) -> LogLineQuerySet:
    """Find the last line about each memory that differs, in the order of the log."""
    lines = LogLine.objects.of_user(first.user).filter(
        sequence__gt=first.line, sequence__lte=last.line, snapshot__isnull=False
    )
    about_same = LogLine.objects.filter(memory_id=OuterRef("memory_id"))
    later = about_same.filter(sequence__gt=OuterRef("sequence"), sequence__lte=last.line)
    before = about_same.filter(sequence__lte=first.line).order_by("-sequence")
    return (
        lines.filter(~Exists(later), memory_id__in=among.values("pk"))
        .annotate(before=Subquery(before.values("snapshot")[:1]))
        .filter(Q(before__isnull=True) | ~Q(before=F("snapshot")))
        .order_by("sequence")
    )


def describe_changed(lines: Sequence[LogLine]) -> list[Changed]:
    return [Changed(_memory_id(line), _difference(line), line.at) for line in lines]


def _memory_id(line: LogLine) -> uuid.UUID:
    assert line.memory_id is not None  # noqa: S101 - it is among memories
    return line.memory_id


def _difference(line: Any) -> Difference:
    if line.before is None:
        return Difference.STORED
    was_live, is_live = (kept["state"] in LIVE for kept in (line.before, line.snapshot))
    if was_live == is_live:
        return Difference.REVISED
    return Difference.BROUGHT_BACK if is_live else Difference.PUT_ASIDE
