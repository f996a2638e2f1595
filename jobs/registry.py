"""The kinds of jobs there are. Each app registers its own in its module `jobs`."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from .job_run import Work

Lane = Literal["quick", "long"]
LANES: tuple[Lane, ...] = ("quick", "long")
LONGEST_PAUSE = 600.0  # seconds


@dataclass(frozen=True)
class Kind:
    """What a job of this kind does, and what becomes of it when that fails.

    `run` does it; run again from its beginning, it does no harm. `retries_on` names what may pass
    by itself: such a failure is tried again, after a pause of so many seconds, then after longer
    and longer ones, until there were `attempts`. A lost connection to the database or the broker
    always counts as one. Long jobs hold up no quick ones. Of `minor` ones nobody but the server
    thinks as something that was asked for: lists of jobs show them once they have failed.
    """

    name: str
    run: Callable[[Work], None]
    attempts: int = 5
    retries_on: tuple[type[Exception], ...] = ()
    lane: Lane = "quick"
    pause: float = 5.0
    minor: bool = False

    def pause_after(self, attempts: int) -> timedelta:
        """How long to wait before the next attempt: longer each time, and never the same."""
        seconds = min(self.pause * 3 ** (attempts - 1), LONGEST_PAUSE)
        return timedelta(seconds=seconds * random.uniform(0.75, 1.25))  # noqa: S311


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    known = _kinds.setdefault(kind.name, kind)
    if known != kind:
        raise ValueError(f"There are two kinds of jobs of the name {kind.name!r}.")


def named(name: str) -> Kind:
    """Raises KeyError when there is none."""
    return _kinds[name]


def names(*lanes: Lane) -> list[str]:
    """The kinds of these lanes. Jobs of others, from another version of the server, are left."""
    return [kind.name for kind in _kinds.values() if kind.lane in lanes]


def minor_names() -> list[str]:
    return [kind.name for kind in _kinds.values() if kind.minor]
