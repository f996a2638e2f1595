"""Turn the tree of a filter into a condition on the column `metadata`, a `jsonb`."""

from __future__ import annotations

from functools import reduce
from operator import and_, or_
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import BooleanField, F, Func, JSONField, Q, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, StrIndex
from django.db.models.lookups import GreaterThan, IsNull

from .nodes import AllOf, AnyOf, Comparison, Node, Not, Operator

# Numbers are compared as numbers, and strings by code points, whatever the database's collation.
# Strict, so that a list is no sequence of values. Of two types, neither is greater.
_JSON_PATHS = {
    Operator.GT: "strict $ ? (@ > $operand)",
    Operator.GTE: "strict $ ? (@ >= $operand)",
    Operator.LT: "strict $ ? (@ < $operand)",
    Operator.LTE: "strict $ ? (@ <= $operand)",
}


# What a value is, if it is a string, and null otherwise.
_ONLY_STRING = 'strict $ ? (@.type() == "string")'


class InfixOperator(Func):
    template = "(%(expressions)s)"


class Member(InfixOperator):
    """The value of a key: null where there is none, and in what is no object."""

    arg_joiner = " -> "
    output_field = JSONField()


class IsOneOf(InfixOperator):
    template = "(%(expressions)s))"
    arg_joiner = " = ANY ("
    output_field = BooleanField()


class Includes(InfixOperator):
    """Whether a list includes the elements of a list, or an object the members of an object."""

    arg_joiner = " @> "
    output_field = BooleanField()


class AsText(InfixOperator):
    arg_joiner = " #>> "
    output_field = TextField()


class FirstAtPath(Func):
    function = "jsonb_path_query_first"
    output_field = JSONField()


class ExistsAtPath(Func):
    function = "jsonb_path_exists"
    output_field = BooleanField()


def build_condition(node: Node) -> Q:
    match node:
        case AllOf(parts):
            return reduce(and_, map(build_condition, parts), Q())
        case AnyOf(parts):
            return reduce(or_, map(build_condition, parts))
        case Not(part):
            return ~build_condition(part)
        case Comparison():
            return _compare(node)


def _compare(comparison: Comparison) -> Q:
    value = _member(comparison.path)
    if comparison.operator is Operator.EXISTS:
        return Q(IsNull(value, False))
    return reduce(or_, [_never_null(test) for test in _tests(value, comparison)])


def _member(path: tuple[str, ...]) -> Combinable:
    value: Combinable = F("metadata")
    for key in path:
        value = Member(value, Value(key))
    return value


def _tests(value: Combinable, comparison: Comparison) -> list[Combinable]:
    """Return the tests of which one has to hold. They are null where there is no value."""
    operand = comparison.operand
    match comparison.operator:
        case Operator.IN:
            return [IsOneOf(value, Value(operand, ArrayField(JSONField())))]
        case Operator.CONTAINS if isinstance(operand, list):
            return [Includes(value, _json(operand))]
        case Operator.CONTAINS if isinstance(operand, dict):
            return [Includes(value, _json(operand)), Includes(value, _json([operand]))]
        case Operator.CONTAINS if isinstance(operand, str):
            text = AsText(FirstAtPath(value, Value(_ONLY_STRING)), Value("{}"))
            is_part = GreaterThan(StrIndex(text, Value(operand)), 0)
            return [is_part, Includes(value, _json([operand]))]
        case Operator.CONTAINS:
            return [Includes(value, _json([operand]))]
    path = Value(_JSON_PATHS[comparison.operator])
    return [ExistsAtPath(value, path, _json({"operand": operand}))]


def _json(value: Any) -> Value:
    return Value(value, JSONField())


def _never_null(test: Combinable) -> Q:
    """Make a null false, so that `not` is the complement."""
    return Q(Coalesce(test, False, output_field=BooleanField()))
