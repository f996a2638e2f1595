"""What of a memory is put into the indexes that a search looks it up in."""

from __future__ import annotations

from datetime import UTC, datetime

from django.contrib.postgres.search import SearchVector
from django.db.models import Func, Value


def indexed_text(content: str, created_at: datetime) -> str:
    """Put the date behind the content, as people write it when they ask about a time."""
    day = created_at.astimezone(UTC)
    return f"{content} ({day.day} {day:%B %Y})"


def words_of(text: str) -> Func:
    """The English lexemes of an indexed text. Where they stand in it is not used, nor kept."""
    return Func(SearchVector(Value(text), config="english"), function="strip")
