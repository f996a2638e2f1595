"""Filters of Mem0's API, as a condition on memories."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q

from accounts.end_users import NAMELESS
from apps_registry.acting_app import DEFAULT_APP
from core.errors import Malformed
from memories.limits import MAX_CONDITIONS, MAX_FILTER_DEPTH

from .filter_fields import (
    MAX_NAMES,
    OTHER_FIELDS,
    InvalidFilters,
    operators_of,
    parse_field,
    read_list,
)
from .tenant import WILDCARD, Tenant

ENTITIES = ("user_id", "agent_id", "app_id", "run_id")
LOGICAL = ("AND", "OR", "NOT")
FIELDS = (*ENTITIES, *OTHER_FIELDS)

# The JavaScript client sends filters as they are.
_CAMEL = re.compile(r"(?<=[a-z])([A-Z])")

MAX_ID_LENGTH = 255

# Which the database evaluates: the ORM would refuse to run a search that finds nothing for sure.
NOTHING = Q(state="")


class NotScoped(Malformed):
    """Filters must name a `user_id`, `agent_id`, `app_id` or `run_id`: in each part of an `OR`."""

    code = "filters_not_scoped"


@dataclass(frozen=True)
class Condition:
    """What filters ask for.

    `is_scoped`: they name an entity. `users`: the ids of the users whom they name, where they can
    match no others.
    """

    q: Q
    is_scoped: bool = False
    users: frozenset[uuid.UUID] | None = None

    def require_scope(self) -> Condition:
        """Raises NotScoped."""
        if not self.is_scoped:
            raise NotScoped
        return self


EVERYTHING = Condition(Q())


def parse_filters(source: Any, tenant: Tenant) -> Condition:
    """Raises InvalidFilters, PinnedToAnother and BoundToAnotherApp."""
    return _Parser(tenant).parse(source, depth=0)


def read_condition(fields: Mapping[str, Any], tenant: Tenant) -> Condition:
    """What filters and the ids beside them ask for. Both must hold.

    Raises NotScoped, and as `parse_filters` does.
    """
    beside = {name: fields[name] for name in ENTITIES if fields.get(name)}
    filters = fields.get("filters")
    if isinstance(filters, list):
        raise InvalidFilters("`filters` is an object.")
    condition = parse_filters(filters, tenant) if filters else EVERYTHING
    if beside:
        condition = both(condition, parse_filters(beside, tenant))
    return condition.require_scope()


def both(first: Condition, second: Condition) -> Condition:
    return Condition(
        first.q & second.q,
        first.is_scoped or second.is_scoped,
        _intersection([first.users, second.users]),
    )


class _Parser:
    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.conditions = 0

    def parse(self, source: Any, *, depth: int) -> Condition:
        """Siblings must all hold."""
        if not isinstance(source, Mapping):
            raise InvalidFilters('Filters are an object, such as {"user_id": "alice"}.')
        if depth > MAX_FILTER_DEPTH:
            raise InvalidFilters(f"Filters can be at most {MAX_FILTER_DEPTH} levels deep.")
        parts = [self._parse_entry(name, value, depth) for name, value in source.items()]
        return reduce(both, parts, EVERYTHING)

    def _parse_entry(self, name: str, value: Any, depth: int) -> Condition:
        if name in LOGICAL:
            return self._parse_logical(name, value, depth + 1)
        field = _CAMEL.sub(lambda match: f"_{match[1].lower()}", name)
        if field not in FIELDS:
            raise InvalidFilters(
                "Top-level key must be a logical operator or an allowed field: "
                f"{[*LOGICAL, *FIELDS]}. Got {name[:100]!r}."
            )
        self.conditions += 1
        if self.conditions > MAX_CONDITIONS:
            raise InvalidFilters(f"Send at most {MAX_CONDITIONS} conditions.")
        if field in ENTITIES:
            return self._parse_entity(field, value)
        return Condition(parse_field(field, value))

    def _parse_logical(self, name: str, value: Any, depth: int) -> Condition:
        values = [value] if name == "NOT" and isinstance(value, Mapping) else value
        if not isinstance(values, list) or not values:
            raise InvalidFilters(f"`{name}` takes a list of at least one filter.")
        if name == "NOT" and {} in values:  # which would exclude nothing
            raise InvalidFilters("`NOT` takes filters that are not empty.")
        parts = [self.parse(each, depth=depth) for each in values]
        if name == "AND":
            return reduce(both, parts)
        q = reduce(or_, [part.q for part in parts])
        if name == "NOT":
            return Condition(~q)
        users = [part.users for part in parts]
        named = None if None in users else frozenset[uuid.UUID]().union(*filter(None, users))
        return Condition(q, all(part.is_scoped for part in parts), named)

    def _parse_entity(self, field: str, value: Any) -> Condition:
        conditions = [
            self._compare_entity(field, operator, operand)
            for operator, operand in operators_of(value).items()
        ]
        return reduce(both, conditions)

    def _compare_entity(self, field: str, operator: str, operand: Any) -> Condition:
        if operator == "ne":
            return Condition(~self._equal_entity(field, [_name(field, operand)]).q)
        if operator == "in":
            names = [_name(field, each) for each in read_list(field, operand, MAX_NAMES)]
        elif operator == "eq":
            names = [_name(field, operand)]
        else:
            raise InvalidFilters(f"`{field}` takes `eq`, `ne` and `in`, not {operator[:50]!r}.")
        return self._equal_entity(field, names)

    def _equal_entity(self, field: str, names: list[str | None]) -> Condition:
        given = [name for name in names if name]
        is_scoped = bool(given)
        if field == "app_id":
            for name in given:
                self.tenant.require_app(name)
        if WILDCARD in given:
            return Condition(_HAS[field], is_scoped)
        if field == "user_id":
            return self._equal_user(given, has_null=None in names)
        q = reduce(or_, [_EQUAL[field](name) for name in names], NOTHING)
        return Condition(q, is_scoped)

    def _equal_user(self, names: list[str], *, has_null: bool) -> Condition:
        ids = self.tenant.find_ids(names)
        q = Q(user__in=ids) if ids else NOTHING
        if has_null:
            return Condition(q | _NAMELESS, bool(names))
        return Condition(q, bool(names), frozenset(ids))


_NAMELESS = Q(user__external_id=NAMELESS, user__owner__isnull=False)

# That a memory has such an id, and that it has this one.
_HAS: dict[str, Q] = {
    "user_id": ~_NAMELESS,
    "agent_id": ~Q(agent_id=""),
    "app_id": ~Q(app__name=DEFAULT_APP),
    "run_id": ~Q(conversation=""),
}
_EQUAL: dict[str, Callable[[str | None], Q]] = {
    "agent_id": lambda name: Q(agent_id=name or ""),
    "app_id": lambda name: Q(app__name=name or DEFAULT_APP),
    "run_id": lambda name: Q(conversation=name or ""),
}


def _name(field: str, value: Any) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > MAX_ID_LENGTH:
        raise InvalidFilters(f"`{field}` is a string of at most {MAX_ID_LENGTH} characters.")
    return value


def _intersection(sets: list[frozenset[uuid.UUID] | None]) -> frozenset[uuid.UUID] | None:
    known = [each for each in sets if each is not None]
    return frozenset.intersection(*known) if known else None
