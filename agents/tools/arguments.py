"""The arguments of tools: described for language models, and validated as in the API."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from django.core.exceptions import ValidationError
from pydantic import BaseModel, Field
from rest_framework.serializers import Serializer

from agents.tool_call import Caller
from core.api.serializers import RequestSerializer
from core.errors import Malformed
from core.iso_time import InvalidTime, parse_time
from memories import search
from memories.access.reader import Reader
from memories.change_log.as_of import Past
from memories.filters import parse_past
from memories.serializers import SearchFiltersSerializer

_ID = Field(description="The `id` of a memory.")
MemoryId = Annotated[uuid.UUID, _ID]
OptionalMemoryId = Annotated[uuid.UUID | None, _ID]
Cursor = Annotated[
    str | None,
    Field(description="The `next_cursor` of the previous result, to get the next page."),
]
Threshold = Annotated[
    float | None,
    Field(ge=0, le=1, description="The minimum similarity of results; 0.3 is lenient."),
]
MinScore = Annotated[
    float | None,
    Field(
        ge=0,
        le=1,
        description="The minimum score of results. 0 returns the nearest memories even if none is "
        "likely to answer; by default there are no results then.",
    ),
]
IncludeContext = Annotated[
    int, Field(ge=0, le=5, description="The number of neighbours to return before and after each.")
]
Categories = Annotated[
    list[str] | None,
    Field(max_length=100, description="Only memories in any of these categories (names)."),
]
Actors = Annotated[
    list[str] | None,
    Field(max_length=100, description="Only memories from any of these speakers (names)."),
]
Namespace = Annotated[
    str | None,
    Field(description="Only memories whose own key is in this namespace, or in one below it."),
]
Conversations = Annotated[
    list[str] | None,
    Field(max_length=100, description="Only memories from any of these conversations."),
]
_TIME = "a day such as 2024-01-31, or a time such as 2024-01-31T10:30:00+02:00 (by default in UTC)"
FromDate = Annotated[
    str | int | None, Field(description=f"Only memories stored then or later: {_TIME}.")
]
ToDate = Annotated[
    str | int | None, Field(description=f"Only memories stored then or earlier: {_TIME}.")
]

_MOMENT = "a time with its offset, such as 2024-01-31T10:30:00+02:00, or seconds since 1970"
ExpiresAt = Annotated[
    str | int | None,
    Field(description=f"When it is to be forgotten: {_MOMENT}. Only if it is to be."),
]
ValidFrom = Annotated[
    str | int | None, Field(description=f"Since when what it says is true: {_MOMENT}.")
]
ValidUntil = Annotated[
    str | int | None, Field(description=f"When what it says ends to be true: {_MOMENT}.")
]
Immutable = Annotated[
    bool | None, Field(description="True: nobody can edit it until the user permits it again.")
]
At = Annotated[
    str | int | None,
    Field(description=f"Rank what is not true at this time last, by default now: {_MOMENT}."),
]

AsOf = Annotated[
    str | int | float | None,
    Field(description=f"Return what was known at this time: {_MOMENT}. Only for the past."),
]

Metadata = Annotated[
    dict[str, Any] | None,
    Field(
        description="Only memories with this metadata: {key: value}, or {key: {operator: value}} "
        "with eq, ne, in, nin, gt, gte, lt, lte, contains or exists. and, or and not combine."
    ),
]
SearchFilters = Annotated[
    dict[str, Any] | None,
    Field(description="The `filters` of the API's search, such as {metadata: {…}}."),
]


class Message(BaseModel):
    role: Literal["user", "assistant", "system", "developer", "tool"] = Field(
        description="Only messages of `user` and `assistant` are stored."
    )
    content: str | list[Any] | dict[str, Any] | None = Field(
        description="The message's text, or its parts, of which only texts are stored."
    )
    name: str | None = Field(default=None, description="The speaker's name, if not the role.")


def validate(serializer_class: type[Serializer], data: Mapping[str, Any]) -> dict[str, Any]:
    """Validate arguments with a serializer of the API. Raises ValidationError."""
    serializer = serializer_class(
        data={key: value for key, value in data.items() if value is not None}
    )
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def reader_as_of(caller: Caller, as_of: str | float | None) -> Reader:
    """The caller's reader, of the past if asked. Raises Malformed, BeforeLog and InFuture."""
    try:
        moment = parse_past(as_of)
    except ValidationError as error:
        raise Malformed(str(error.message), field="as_of") from None
    past = Past.at(moment, user=caller.user, app=caller.reader.app) if moment else None
    return replace(caller.reader, past=past)


def search_filters(
    *,
    categories: list[str] | None,
    actors: list[str] | None,
    conversations: list[str] | None,
    namespace: str | None,
    from_date: str | int | None,
    to_date: str | int | None,
    metadata: dict[str, Any] | None,
    filters: dict[str, Any] | None,
) -> search.Filters:
    """Raises ValidationError and Malformed."""
    data = {
        "categories": categories,
        "actors": actors,
        "conversations": conversations,
        "namespace": namespace,
        "metadata": metadata,
    }
    values = {
        **validate(SearchFiltersSerializer, data),
        "from_date": _parse_time("from_date", from_date),
        "to_date": _parse_time("to_date", to_date, is_end=True),
    }
    values = {name: value for name, value in values.items() if value is not None}
    inside = validate(_FiltersArgument, {"filters": filters}).get("filters") or {}
    for name in values.keys() & inside.keys():
        raise Malformed(f"Send `{name}` once, beside `filters` or in it.", field=name)
    return search.Filters(**values, **inside)


class _FiltersArgument(RequestSerializer):
    filters = SearchFiltersSerializer(required=False)


def _parse_time(name: str, value: str | int | None, *, is_end: bool = False) -> datetime | None:
    try:
        return None if value is None else parse_time(str(value), is_end=is_end, zone=UTC)
    except InvalidTime as error:
        raise Malformed(str(error), field=name) from error
