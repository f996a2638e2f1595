"""The fields of Mem0's filters that name no entity, as conditions on memories."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import reduce
from operator import and_, or_
from typing import Any

from django.db.models import Exists, OuterRef, Q

from core.errors import Malformed
from core.iso_time import InvalidTime, is_day, parse_time
from memories.limits import MAX_IDS
from memories.metadata_filter.jsonb_condition import build_condition
from memories.metadata_filter.nodes import Comparison, Not, Operator
from memories.models import Categorization
from memories.taxonomy import fold_category_name

from .memory_shape import end_of_day
from .tenant import parse_id

TIMES = {"created_at": "created_at", "updated_at": "updated_at", "timestamp": "created_at"}
TEXTS = ("keywords", "text", "keywords_search")
OTHER_FIELDS = (*TIMES, "expiration_date", "categories", "metadata", *TEXTS, "memory_ids")

# A list of names or times, and the characters of a text.
MAX_NAMES = 1_000

_TIME_LOOKUPS = ("gt", "gte", "lt", "lte")


class InvalidFilters(Malformed):
    """The filters are not valid."""

    code = "filters_invalid"


def parse_field(field: str, value: Any) -> Q:
    """The condition of a field that names no entity. Raises InvalidFilters."""
    if field == "metadata":
        return _metadata(value)
    if field == "memory_ids":
        values = value.get("in") if isinstance(value, Mapping) else value
        ids = [parse_id(each) for each in read_list(field, values, MAX_IDS)]
        return Q(pk__in=ids)
    if field in TEXTS:
        return _texts(field, value)
    if field == "categories":
        return _categories(value)
    compare = _compare_expiry if field == "expiration_date" else _compare_time
    operators = operators_of(value, bare="is")
    return reduce(and_, [compare(field, operator, each) for operator, each in operators.items()])


def operators_of(value: Any, *, bare: str = "eq") -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        if not value:
            raise InvalidFilters("An empty object is no condition. Send an operator and a value.")
        return value
    return {"in": value} if isinstance(value, list) else {bare: value}


def read_list(field: str, value: Any, most: int) -> list[Any]:
    if not isinstance(value, list) or not value or len(value) > most:
        raise InvalidFilters(f"`{field}`: send a list of 1 to {most:,} values.")
    return value


def _compare_time(field: str, operator: str, value: Any) -> Q:
    column = TIMES[field]
    if operator in _TIME_LOOKUPS:
        return Q(**{f"{column}__{operator}": read_moment(field, value)})
    if operator == "in":
        moments = [read_moment(field, each) for each in read_list(field, value, MAX_NAMES)]
        return Q(**{f"{column}__in": moments})
    if operator == "is":
        return Q(**{column: read_moment(field, value)})
    if operator == "ne":
        return ~Q(**{column: read_moment(field, value)})
    raise InvalidFilters(f"`{field}` takes `gt`, `gte`, `lt`, `lte`, `ne` and `in`.")


def _compare_expiry(field: str, operator: str, value: Any) -> Q:
    """A memory expires at the end of its day: a later moment of a day is of that day."""
    if operator == "in":
        days = [read_day(field, each) for each in read_list(field, value, MAX_NAMES)]
        return reduce(or_, map(_expires_on, days))
    if value is None:
        q = Q(expires_at=None)
        return ~q if operator == "ne" else q
    day = read_day(field, value)
    begin, end = end_of_day(day) - timedelta(days=1), end_of_day(day)
    tests = {
        "gt": Q(expires_at__gt=end),
        "gte": Q(expires_at__gt=begin),
        "lt": Q(expires_at__lte=begin),
        "lte": Q(expires_at__lte=end),
        "is": _expires_on(day),
        "ne": Q(expires_at=None) | ~_expires_on(day),
    }
    if operator not in tests:
        raise InvalidFilters(f"`{field}` takes `gt`, `gte`, `lt`, `lte`, `ne` and `in`.")
    return tests[operator]


def _expires_on(day: date) -> Q:
    return Q(expires_at__gt=end_of_day(day) - timedelta(days=1), expires_at__lte=end_of_day(day))


def read_moment(field: str, value: Any, *, zone: tzinfo = UTC) -> datetime:
    """A day is its midnight, and without an offset it is one of the zone. Raises InvalidFilters."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return datetime.fromtimestamp(value, UTC)
        except (ValueError, OverflowError, OSError):
            pass
    elif isinstance(value, str):
        try:
            moment = parse_time(value, zone=zone)
            return moment.replace(tzinfo=zone).astimezone(UTC) if is_day(value) else moment
        except (InvalidTime, OverflowError):
            pass
    raise InvalidFilters(
        f"`{field}` is a day such as 2024-01-31, a time such as 2024-01-31T10:30:00Z, or seconds "
        "since 1970."
    )


def read_day(field: str, value: Any) -> date:
    """Raises InvalidFilters."""
    try:
        if not isinstance(value, str) or len(value) != len("2024-01-31"):
            raise ValueError
        day = date.fromisoformat(value)
        if day.year > 9998:
            raise ValueError
        return day
    except ValueError:
        raise InvalidFilters(f"`{field}` is a day such as 2030-01-31.") from None


def _categories(value: Any) -> Q:
    if isinstance(value, list):
        value = {"in": value}
    if not isinstance(value, Mapping) or not set(value) <= {"in", "contains"} or not value:
        raise InvalidFilters("`categories` takes `in`, a list of names, and `contains`, a text.")
    tests = []
    if "in" in value:
        tests.append(category_in(value["in"]))
    if "contains" in value:
        tests.append(_categorized(name__icontains=_text("categories", value["contains"])))
    return reduce(and_, tests)


def category_in(names: Any) -> Q:
    """That a memory is in any of these categories. Raises InvalidFilters."""
    texts = [_text("categories", each) for each in read_list("categories", names, MAX_NAMES)]
    return _categorized(name__in=[fold_category_name(name) for name in texts])


def _categorized(**category: Any) -> Q:
    named = {f"category__{name}": value for name, value in category.items()}
    return Q(Exists(Categorization.objects.filter(memory=OuterRef("pk"), **named)))


def _texts(field: str, value: Any) -> Q:
    operators = operators_of(value, bare="icontains")
    if not set(operators) <= {"contains", "icontains"}:
        raise InvalidFilters(f"`{field}` takes `contains` and `icontains`.")
    tests = [Q(**{f"content__{name}": _text(field, each)}) for name, each in operators.items()]
    return reduce(and_, tests)


def _text(field: str, value: Any) -> str:
    if not isinstance(value, str) or not value or len(value) > MAX_NAMES:
        raise InvalidFilters(f"`{field}`: send a text of 1 to {MAX_NAMES:,} characters.")
    return value


def _metadata(value: Any) -> Q:
    if not isinstance(value, Mapping) or not value:
        raise InvalidFilters("`metadata` is an object of keys and values.")
    return reduce(and_, [_compare_key(key, each) for key, each in value.items()])


def _compare_key(key: str, value: Any) -> Q:
    operators = value if isinstance(value, Mapping) and value else {"eq": value}
    if not set(operators) <= {"eq", "ne", "contains"}:
        raise InvalidFilters(f"`metadata.{key[:50]}` takes `eq`, `ne` and `contains`.")
    return reduce(and_, [_compare_value(key, name, each) for name, each in operators.items()])


def _compare_value(key: str, operator: str, value: Any) -> Q:
    path = (key,)
    if operator == "contains":
        return build_condition(Comparison(path, Operator.CONTAINS, value))
    equal = Comparison(path, Operator.IN, [value])
    return build_condition(equal if operator == "eq" else Not(equal))
