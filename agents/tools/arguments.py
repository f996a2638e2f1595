"""What models send, as it is described to them and checked by the rules of the API."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field
from rest_framework.serializers import Serializer

from memories import search
from memories.serializers import NewMemorySerializer, SearchFiltersSerializer

LAST_SECOND = time(23, 59, 59)

MemoryId = Annotated[uuid.UUID, Field(description="The `id` of a memory.")]
Cursor = Annotated[
    str | None,
    Field(description="The `next_cursor` of the answer before, for what follows it."),
]
Categories = Annotated[
    list[str] | None,
    Field(max_length=100, description="Only memories in any of these categories, by name."),
]
Actors = Annotated[
    list[str] | None,
    Field(max_length=100, description="Only what any of these said, by the names of people."),
]
Conversations = Annotated[
    list[str] | None,
    Field(max_length=100, description="Only what was said in any of these conversations."),
]
FromDate = Annotated[date | None, Field(description="Only what was learned on this day or later.")]
ToDate = Annotated[date | None, Field(description="Only what was learned on this day or earlier.")]


class Message(BaseModel):
    role: Literal["user", "assistant", "system", "developer", "tool"] = Field(
        description="Only what `user` and `assistant` say is remembered."
    )
    content: str | None = Field(description="What is said.")
    name: str | None = Field(default=None, description="Who says it, if not the role.")


def read(serializer: type[Serializer], given: Mapping[str, Any]) -> dict[str, Any]:
    """Check what is sent by the rules of the API. Raises ValidationError."""
    asked = serializer(data={key: value for key, value in given.items() if value is not None})
    asked.is_valid(raise_exception=True)
    return dict(asked.validated_data)


def checked_text(text: str) -> str:
    return str(read(NewMemorySerializer, {"text": text})["text"])


def filters(
    *,
    categories: list[str] | None,
    actors: list[str] | None,
    conversations: list[str] | None,
    from_date: date | None,
    to_date: date | None,
) -> search.Filters:
    """Raises ValidationError."""
    named = {"categories": categories, "actors": actors, "conversations": conversations}
    given = read(SearchFiltersSerializer, named)
    # Nothing is later than the last day there is, and no second follows it.
    last = None if to_date in (None, date.max) else to_date
    return search.Filters(
        **given,
        from_date=None if from_date is None else datetime.combine(from_date, time.min, UTC),
        to_date=None if last is None else datetime.combine(last, LAST_SECOND, UTC),
    )
