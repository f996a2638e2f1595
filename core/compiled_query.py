"""Queries that Django compiles once for a process, and that run with other values from then on.

To compile a query takes Django a millisecond or more, which is longer than PostgreSQL takes to run
most of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.db.models.query import get_related_populators


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
        with connection.cursor() as cursor:
            cursor.execute(plan.statement + ending, [*plan.bind(values), *parameters])
            return plan.make_objects(cursor.fetchall())

    @cached_property
    def _plan(self) -> _Plan:
        return _Plan(self._build(**self._examples), self._examples)


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
    def _make(self) -> Callable[[Sequence[Any]], Any]:
        return _object_maker(self._compiler)

    def make_objects(self, rows: Iterable[Sequence[Any]]) -> list[Any]:
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


def _object_maker(compiler: Any) -> Callable[[Sequence[Any]], Any]:
    """Make objects of rows, and what is selected with them, as ModelIterable does."""
    info = compiler.klass_info
    fields = info["select_fields"]
    first, end = fields[0], fields[-1] + 1
    names = [selected[0].target.attname for selected in compiler.select[first:end]]
    related = get_related_populators(info, compiler.select, connection.alias)  # type: ignore[call-arg]  # the stubs are of a later Django
    from_db, alias = info["model"].from_db, connection.alias
    annotated = list(compiler.annotation_col_map.items())

    def make(row: Sequence[Any]) -> Any:
        made = from_db(alias, names, row[first:end])
        for name, column in annotated:
            setattr(made, name, row[column])
        for populator in related:
            populator.populate(row, made)
        return made

    return make
