"""The checks of `manage.py doctor`. Each app declares its own in a module called `doctor`.

A check is a function that yields findings. If it finds no problem, it yields an `ok` finding, so
that the report shows that the check ran.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from django.conf import settings

# The program that runs the commands which an advice names. The wheel installs `openmemory` alone.
PROGRAM = "openmemory" if settings.BASE_DIR.parent.name == "openmemory_server" else "manage.py"


class Level(IntEnum):
    """The severity of a finding, and the exit code of the command, as in Nagios plugins."""

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
    """What a check needs to run. Each value includes those before it."""

    MACHINE = 0
    DATABASE = 1
    TABLES = 2  # migrated to this version of the server


@dataclass(frozen=True)
class Check:
    """A check, with a name such as `memories.vectors`. `calls_out` if it calls external servers."""

    name: str
    run: Callable[[], Findings]
    requires: Requires
    calls_out: bool


_checks: dict[str, Check] = {}


def check(
    name: str, *, requires: Requires = Requires.TABLES, calls_out: bool = False
) -> Callable[[Callable[[], Findings]], Callable[[], Findings]]:
    """Declare a function as a check."""

    def declare(run: Callable[[], Findings]) -> Callable[[], Findings]:
        declared = _checks.setdefault(name, Check(name, run, requires, calls_out))
        if declared.run is not run:
            raise ValueError(f"Two checks have the name {name!r}.")
        return run

    return declare


def checks() -> list[Check]:
    return list(_checks.values())


def ok(message: str) -> Finding:
    return Finding(Level.OK, message)


def warning(message: str, advice: str) -> Finding:
    return Finding(Level.WARNING, message, _name_program(advice))


def error(message: str, advice: str) -> Finding:
    return Finding(Level.ERROR, message, _name_program(advice))


def _name_program(advice: str) -> str:
    return advice.replace("manage.py ", f"{PROGRAM} ")


def format_list(names: list[str], limit: int = 5) -> str:
    """Join up to `limit` names, and say how many more there are."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
