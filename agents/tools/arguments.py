"""The arguments of tools: described for language models, and validated as in the API."""

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
    Field(description="The `next_cursor` of the previous result, to get the next page."),
]
Categories = Annotated[
    list[str] | None,
    Field(max_length=100, description="Only memories in any of these categories (names)."),
]
Actors = Annotated[
    list[str] | None,
    Field(max_length=100, description="Only memories from any of these speakers (names)."),
]
Conversations = Annotated[
    list[str] | None,
    Field(max_length=100, description="Only memories from any of these conversations."),
]
FromDate = Annotated[date | None, Field(description="Only memories stored on this day or later.")]
ToDate = Annotated[date | None, Field(description="Only memories stored on this day or earlier.")]


class Message(BaseModel):
    role: Literal["user", "assistant", "system", "developer", "tool"] = Field(
        description="Only messages of `user` and `assistant` are stored."
    )
    content: str | None = Field(description="The message's text.")
    name: str | None = Field(default=None, description="The speaker's name, if not the role.")


def validate(serializer_class: type[Serializer], data: Mapping[str, Any]) -> dict[str, Any]:
    """Validate arguments with a serializer of the API. Raises ValidationError."""
    serializer = serializer_class(
        data={key: value for key, value in data.items() if value is not None}
    )
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def validate_text(text: str) -> str:
    return str(validate(NewMemorySerializer, {"text": text})["text"])


def search_filters(
    *,
    categories: list[str] | None,
    actors: list[str] | None,
    conversations: list[str] | None,
    from_date: date | None,
    to_date: date | None,
) -> search.Filters:
    """Raises ValidationError."""
    data = {"categories": categories, "actors": actors, "conversations": conversations}
    validated = validate(SearchFiltersSerializer, data)
    # No time is after the last day of the calendar, and no second follows it.
    last_day = None if to_date in (None, date.max) else to_date
    return search.Filters(
        **validated,
        from_date=None if from_date is None else datetime.combine(from_date, time.min, UTC),
        to_date=None if last_day is None else datetime.combine(last_day, LAST_SECOND, UTC),
    )
