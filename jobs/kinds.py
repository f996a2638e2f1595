"""The kinds of jobs there are. Each app registers its own in its module `jobs`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from .work import Work

Lane = Literal["quick", "long"]
LANES: tuple[Lane, ...] = ("quick", "long")


@dataclass(frozen=True)
class Kind:
    """What a job of this kind does, and what becomes of it when that fails.

    `run` does it; run again from its beginning, it does no harm. `retries_on` names what may pass
    by itself: such a failure is tried again, later and later, until there were `attempts`. A lost
    connection to the database or the broker always counts as one. Long jobs hold up no quick ones.
    """

    name: str
    run: Callable[[Work], None]
    attempts: int = 5
    retries_on: tuple[type[Exception], ...] = ()
    lane: Lane = "quick"


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    known = _kinds.setdefault(kind.name, kind)
    if known != kind:
        raise ValueError(f"There are two kinds of jobs of the name {kind.name!r}.")


def named(name: str) -> Kind:
    """Raises KeyError when there is none."""
    return _kinds[name]


def find(name: str) -> Kind | None:
    """The kind of this name, None for one that was there in another version of the server."""
    return _kinds.get(name)


def names(lane: Lane) -> list[str]:
    return [kind.name for kind in _kinds.values() if kind.lane == lane]
