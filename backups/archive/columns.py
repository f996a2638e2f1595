"""What the rows of an archive have in common, and the columns that they are staged in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from operator import attrgetter
from types import NoneType
from typing import Annotated, Any, ClassVar, Literal, NewType, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec
from msgspec.structs import force_setattr

Json = NewType("Json", str)
Tsvector = NewType("Tsvector", str)
Moment = Annotated[datetime, msgspec.Meta(tz=True)]

SQL_TYPES: dict[Any, str] = {
    bool: "bool",
    bytes: "bytea",
    datetime: "timestamptz",
    int: "bigint",
    Json: "jsonb",
    list[UUID]: "uuid[]",
    str: "text",
    Tsvector: "tsvector",
    UUID: "uuid",
}

# The range of times in the rest of the API: from 1970 to the last year with a day after it.
FIRST_YEAR, LAST_YEAR = 1970, 9998
_FIRST, _END = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC), datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """An entity of an archive. Its fields determine the columns of its staging table.

    A field is staged in a column of its name, unless it is one of `not_staged`. A method
    `stage_<column>` returns the value of a column that differs from its field, or has none; it
    raises ValueError for an invalid row. `derived_ids` names the ids that are staged a second time,
    derived for the case that another user imports the row.
    """

    not_staged: ClassVar[tuple[str, ...]] = ()
    derived_ids: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for name in time_fields(type(self)):
            time = getattr(self, name)
            if time is None:
                continue
            # Compared in UTC, in which times are stored: elsewhere it may be another year.
            if not _FIRST <= time < _END:
                raise ValueError(f"`{name}` is not between {FIRST_YEAR} and {LAST_YEAR}")
            if time.tzinfo is not UTC:
                # PostgreSQL reads no offset of 16 hours or more.
                force_setattr(self, name, time.astimezone(UTC))

    def values(self) -> tuple[Any, ...]:
        """The values of `columns_of` this type, in their order. Raises ValueError."""
        return tuple([get_value(self) for get_value in _getters(type(self))])


@dataclass(frozen=True)
class Column:
    name: str
    sql_type: str
    get_value: Callable[[Any], Any]


@cache
def columns_of(row_type: type[Row]) -> tuple[Column, ...]:
    """The columns that rows of a type are staged in, in the order in which they are copied."""
    fields = [name for name in row_type.__struct_fields__ if name not in row_type.not_staged]
    staged = [name.removeprefix("stage_") for name in dir(row_type) if name.startswith("stage_")]
    return tuple(_column(row_type, name) for name in dict.fromkeys([*fields, *staged]))


@cache
def _getters(row_type: type[Row]) -> tuple[Callable[[Any], Any], ...]:
    return tuple(column.get_value for column in columns_of(row_type))


def _column(row_type: type[Row], name: str) -> Column:
    method = getattr(row_type, f"stage_{name}", None)
    if method is None:
        return Column(name, _sql_type(_field_types(row_type)[name]), attrgetter(name))
    return Column(name, _sql_type(get_type_hints(method)["return"]), method)


@cache
def time_fields(row_type: type[Row]) -> tuple[str, ...]:
    types = _field_types(row_type)
    return tuple(name for name in row_type.__struct_fields__ if _required(types[name]) is datetime)


@cache
def _field_types(row_type: type[Row]) -> dict[str, Any]:
    return get_type_hints(row_type)


def _sql_type(hint: Any) -> str:
    hint = _required(hint)
    return SQL_TYPES[str if get_origin(hint) is Literal else hint]


def _required(hint: Any) -> Any:
    """The type without None: `X` of `X | None`."""
    types = [part for part in get_args(hint) if part is not NoneType]
    return types[0] if NoneType in get_args(hint) else hint
