"""What `manage.py doctor` looks at: each app declares its checks in a module `doctor` of its own.

A check is a function that yields what it finds, good or bad. One that finds nothing amiss says
what is well, so that whoever reads it knows that it was looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """How bad it is; also the exit code of the command, as monitors know it."""

    OK = 0
    WARNING = 1
    ERROR = 2


@dataclass(frozen=True)
class Finding:
    level: Level
    message: str
    advice: str = ""


Findings = Iterator[Finding]


class Requires(IntEnum):
    """What a check cannot look at anything without, each with all that stands before it."""

    MACHINE = 0
    DATABASE = 1
    TABLES = 2  # as this version of the server wants them


@dataclass(frozen=True)
class Check:
    """Named like `memories.vectors`. One that `calls_out` asks somebody else's server."""

    name: str
    run: Callable[[], Findings]
    requires: Requires
    calls_out: bool


_checks: dict[str, Check] = {}


def check(
    name: str, *, requires: Requires = Requires.TABLES, calls_out: bool = False
) -> Callable[[Callable[[], Findings]], Callable[[], Findings]]:
    """Declare a function to be a check."""

    def declare(run: Callable[[], Findings]) -> Callable[[], Findings]:
        known = _checks.setdefault(name, Check(name, run, requires, calls_out))
        if known.run is not run:
            raise ValueError(f"There are two checks of the name {name!r}.")
        return run

    return declare


def checks() -> list[Check]:
    return list(_checks.values())


def ok(message: str) -> Finding:
    return Finding(Level.OK, message)


def warning(message: str, advice: str) -> Finding:
    return Finding(Level.WARNING, message, advice)


def error(message: str, advice: str) -> Finding:
    return Finding(Level.ERROR, message, advice)


def format_list(names: list[str], most: int = 5) -> str:
    """Name a few of many."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
