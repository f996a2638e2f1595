"""Queries that Django compiles once for a process, and that run with other values from then on.

To compile a query takes Django a millisecond or more, which is longer than PostgreSQL takes to run
most of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.backends.utils import CursorWrapper
from django.db.models import QuerySet
from django.db.models.base import ModelState

from core import clock
from core.sql import connection

Row = Sequence[Any]


class NotCompilable(Exception):
    """The statement of a query depends on more than its values."""


class CompiledQuery:
    """A query of objects whose statement stays the same whatever the values.

    `build` makes the queryset from values of these names. It is called once, with the examples:
    each must be one that occurs nowhere else in the query, so that it is known by what it is.
    """

    def __init__(self, build: Callable[..., QuerySet[Any]], **examples: Any) -> None:
        self._build, self._examples = build, examples

    def fetch(self, **values: Any) -> list[Any]:
        return self._fetch("", [], values)

    def fetch_slice(self, places: slice, **values: Any) -> list[Any]:
        """Those from `places.start` up to `places.stop`."""
        start = places.start or 0
        return self._fetch(" LIMIT %s OFFSET %s", [places.stop - start, start], values)

    def _fetch(self, ending: str, parameters: list[Any], values: dict[str, Any]) -> list[Any]:
        plan = self._plan
        with _cursor() as cursor:
            cursor.execute(plan.statement + ending, [*plan.bind(values), *parameters])
            return plan.make_objects(cursor.fetchall())

    @cached_property
    def _plan(self) -> _Plan:
        return _Plan(self._build(**self._examples), self._examples)


def _cursor() -> CursorWrapper:
    # The past is read from other tables: PostgreSQL would plan each prepared statement anew.
    return connection.cursor() if clock.is_set() else connection.preparing_cursor()


class CompiledStatement:
    """The statement of a query that stays the same whatever the values, for use in another one.

    `build` and the examples are as for a CompiledQuery.
    """

    def __init__(self, build: Callable[..., QuerySet[Any]], **examples: Any) -> None:
        self._build, self._examples = build, examples

    def bind(self, **values: Any) -> tuple[str, list[Any]]:
        """The statement with its parameters."""
        return self._plan.statement, self._plan.bind(values)

    @cached_property
    def _plan(self) -> _Plan:
        return _Plan(self._build(**self._examples), self._examples)


class _Plan:
    def __init__(self, queryset: QuerySet[Any], examples: dict[str, Any]) -> None:
        compiler = queryset.query.get_compiler(connection=connection)
        self.statement, parameters = compiler.as_sql()
        self._parameters = [_name_parameter(value, examples) for value in parameters]
        missing = examples.keys() - {name for name, _ in self._parameters}
        if missing:
            raise NotCompilable(f"The query has no place for {', '.join(sorted(missing))}.")
        self._compiler = compiler

    def bind(self, values: dict[str, Any]) -> list[Any]:
        return [value if name is None else values[name] for name, value in self._parameters]

    @cached_property
    def _converters(self) -> dict[int, Any]:
        expressions = [selected[0] for selected in self._compiler.select]
        converters: dict[int, Any] = self._compiler.get_converters(expressions)
        return converters

    @cached_property
    def _make(self) -> Callable[[Row], Any]:
        compiler = self._compiler
        make = _object_maker(compiler.klass_info, compiler.select)
        annotated = list(compiler.annotation_col_map.items())
        if not annotated:
            return make

        def make_annotated(row: Row) -> Any:
            made = make(row)
            made.__dict__.update((name, row[column]) for name, column in annotated)
            return made

        return make_annotated

    def make_objects(self, rows: Iterable[Row]) -> list[Any]:
        if self._converters:
            rows = self._compiler.apply_converters(rows, self._converters)
        return [self._make(row) for row in rows]


def _name_parameter(value: Any, examples: dict[str, Any]) -> tuple[str | None, Any]:
    """Return the name of the value that is this parameter, if any."""
    plain = getattr(value, "obj", value)  # psycopg's wrapper of bytes
    for name, example in examples.items():
        if type(plain) is type(example) and plain == example:
            return name, None
    if isinstance(plain, datetime):
        raise NotCompilable("The moment at which a query is compiled would stay in it.")
    return None, value


def _object_maker(info: dict[str, Any], select: Sequence[Any]) -> Callable[[Row], Any]:
    """Make objects of the columns of one model in rows, and of those that it points to.

    They are what Model.from_db makes, but for signals, which nothing here listens to.
    """
    if info.get("from_parent"):
        raise NotCompilable("A model that inherits another one's table has no columns in a row.")
    model, fields = info["model"], info["select_fields"]
    first, end = fields[0], fields[-1] + 1
    names = [selected[0].target.attname for selected in select[first:end]]
    key = names.index(model._meta.pk.attname) + first
    links = [_link(pointed, select) for pointed in info.get("related_klass_infos", ())]

    def make(row: Row) -> Any:
        if row[key] is None:
            return None
        made = model.__new__(model)
        made.__dict__.update(zip(names, row[first:end], strict=True))
        made._state = state = ModelState()
        state.adding, state.db = False, DEFAULT_DB_ALIAS
        for link in links:
            link(row, made)
        return made

    return make


def _link(info: dict[str, Any], select: Sequence[Any]) -> Callable[[Row, Any], None]:
    """Make the object that another one points to, and have both know each other."""
    make, know, be_known = (
        _object_maker(info, select),
        info["local_setter"],
        info["remote_setter"],
    )

    def link(row: Row, made: Any) -> None:
        pointed = make(row)
        know(made, pointed)
        if pointed is not None:
            be_known(pointed, made)

    return link
