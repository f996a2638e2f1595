"""The tree of a filter: comparisons, and what combines them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any


class Operator(Enum):
    """What a comparison asks of a value. The other operators of the grammar are made of these."""

    IN = "in"  # it equals one of a list
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    CONTAINS = "contains"
    EXISTS = "exists"  # the operand is not used


@dataclass(frozen=True)
class Comparison:
    """False for a value of another type, and where there is none."""

    path: tuple[str, ...]  # the keys, from the outermost object to the innermost
    operator: Operator
    operand: Any = None


@dataclass(frozen=True)
class AllOf:
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class AnyOf:
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Not:
    part: Node


Node = Comparison | AllOf | AnyOf | Not
