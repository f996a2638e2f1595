"""The memories that a reader may read, as statements that Django compiles once for all requests.

They say what `Reader.memories()` says, which they are compiled from.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from accounts.models import User
from apps_registry.models import App
from core import clock
from core.compiled_query import CompiledQuery, CompiledStatement
from core.sql import fetch_binary, uuid_array
from memories.models import Memory, MemoryNotFound, State
from memories.models.memory import MemoryQuerySet

from .reader import Reader
from .shown import APP, ID, IDS, MOMENT, has_id

# As those of shown.py, with which statements are compiled.
USER = uuid.UUID(int=1)

# What a statement about active memories selects of each.
COLUMNS = ("id", "created_at", "valid_from", "words")


class _Kind(NamedTuple):
    """What the statement of a reader depends on, beside its values."""

    as_app: bool
    sees_expired: bool

    @classmethod
    def of(cls, reader: Reader) -> _Kind:
        return cls(reader.app is not None, reader.sees_expired and reader.app is None)

    def compile(
        self,
        made: Callable[..., Any],
        build: Callable[..., MemoryQuerySet],
        **examples: Any,
    ) -> Any:
        examples |= {"user": USER}
        if self.as_app:
            examples["app"] = APP
        if not self.sees_expired:
            examples["moment"] = MOMENT
        return made(lambda **values: self._build(build, **values), **examples)

    def _build(
        self,
        build: Callable[..., MemoryQuerySet],
        *,
        user: uuid.UUID,
        app: uuid.UUID | None = None,
        moment: datetime = MOMENT,
        **values: Any,
    ) -> MemoryQuerySet:
        with clock.set_to(moment):
            acting = None if app is None else App(pk=app)
            reader = Reader(User(pk=user), acting, sees_expired=self.sees_expired)
            return build(reader.memories(), **values)

    def values(self, reader: Reader) -> dict[str, Any]:
        values: dict[str, Any] = {"user": reader.user.pk}
        if reader.app is not None:
            values["app"] = reader.app.pk
        if not self.sees_expired:
            values["moment"] = clock.now()
        return values


def select_active(reader: Reader) -> tuple[str, list[Any]]:
    """A statement for the COLUMNS of the active memories that this reader may read."""
    if not reader.user.is_stored:  # a reader of many users
        active = reader.memories().active().order_by().values_list(*COLUMNS)
        statement, parameters = active.query.sql_with_params()
        return statement, list(parameters)
    kind = _Kind.of(reader)
    return _active(kind).bind(**kind.values(reader))


def load_active(ids: Collection[uuid.UUID], reader: Reader) -> dict[uuid.UUID, Memory]:
    """Load those of these memories that are active, by id, with all that a response shows."""
    if not ids:
        return {}
    if not reader.user.is_stored:
        return dict(reader.memories().active().with_relations().in_bulk(list(ids)))
    kind = _Kind.of(reader)
    with reader.reading_few():
        memories = _active_of_ids(kind).fetch(ids=uuid_array(ids), **kind.values(reader))
    return {memory.pk: memory for memory in memories}


def load_one(pk: uuid.UUID, reader: Reader) -> Memory:
    """Load a memory, in any state, with all that a response shows. Raises MemoryNotFound."""
    kind = _Kind.of(reader)
    memories: list[Memory] = _one(kind).fetch(pk=pk, **kind.values(reader))
    if not memories:
        raise MemoryNotFound
    return memories[0]


class NewestFirst:
    """The memories of these states that a reader may read, sliced and counted like a queryset."""

    def __init__(self, reader: Reader, states: tuple[State, ...] = (State.ACTIVE,)) -> None:
        self._reader, self._states = reader, states

    def __getitem__(self, places: slice) -> list[Memory]:
        kind = _Kind.of(self._reader)
        memories: list[Memory] = _newest(kind, self._states).fetch_slice(
            places, **kind.values(self._reader)
        )
        return memories

    def count(self) -> int:
        kind = _Kind.of(self._reader)
        statement, parameters = _of_states(kind, self._states).bind(**kind.values(self._reader))
        counted = f"SELECT count(*) FROM ({statement}) AS memory"  # noqa: S608 - compiled
        [(count,)] = fetch_binary(counted, parameters)
        return int(count)


@cache
def _newest(kind: _Kind, states: tuple[State, ...]) -> CompiledQuery:
    def build(memories: MemoryQuerySet) -> MemoryQuerySet:
        found = memories.filter(state__in=states)
        return found.with_relations().order_by("-created_at", "id")

    query: CompiledQuery = kind.compile(CompiledQuery, build)
    return query


@cache
def _active(kind: _Kind) -> CompiledStatement:
    statement: CompiledStatement = kind.compile(
        CompiledStatement, lambda memories: memories.active().values_list(*COLUMNS)
    )
    return statement


@cache
def _of_states(kind: _Kind, states: tuple[State, ...]) -> CompiledStatement:
    statement: CompiledStatement = kind.compile(
        CompiledStatement,
        lambda memories: memories.filter(state__in=states).order_by().values_list("state"),
    )
    return statement


@cache
def _active_of_ids(kind: _Kind) -> CompiledQuery:
    def build(memories: MemoryQuerySet, *, ids: str) -> MemoryQuerySet:
        return memories.active().with_relations().filter(has_id(ids))

    query: CompiledQuery = kind.compile(CompiledQuery, build, ids=IDS)
    return query


@cache
def _one(kind: _Kind) -> CompiledQuery:
    query: CompiledQuery = kind.compile(
        CompiledQuery, lambda memories, *, pk: memories.with_relations().filter(pk=pk), pk=ID
    )
    return query
