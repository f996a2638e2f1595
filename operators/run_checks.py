"""Have every check look, one after the other, whatever becomes of the others."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import structlog
from django.db import InterfaceError, OperationalError, connection
from django.utils.module_loading import autodiscover_modules
from psycopg.errors import QueryCanceled

from core.checks import Check, Finding, Requires, checks, error, warning

from .doctor.database import is_migrated

log = structlog.get_logger(__name__)

# Seconds that one statement of a check may take.
SECONDS = 60


@dataclass(frozen=True)
class Examined:
    check: str
    finding: Finding


def all_checks() -> list[Check]:
    """Every check that an app declares, in the order of their names."""
    autodiscover_modules("doctor")
    return sorted(checks(), key=lambda check: check.name)


def unknown(names: Collection[str]) -> list[str]:
    """Those of the names that neither a check nor an app with checks has."""
    known = {name for check in all_checks() for name in _names(check)}
    return [name for name in names if name not in known]


def _names(check: Check) -> set[str]:
    return {check.name, check.name.partition(".")[0]}


def examine(*, only: Collection[str] = (), calling_out: bool = False) -> Iterator[Examined]:
    """Look at everything, or at what is named: a check by its name, or all of an app by its own.

    Checks that call out are made with `calling_out`, or when they are named themselves.
    """
    away = _fault_of_database()
    if away is not None:
        yield Examined("database", away)
    available = (
        Requires.MACHINE if away else Requires.TABLES if is_migrated() else Requires.DATABASE
    )
    for check in all_checks():
        named = not only or _names(check) & set(only)
        allowed = calling_out or not check.calls_out or check.name in only
        if named and allowed and check.requires <= available:
            for finding in _look(check):
                yield Examined(check.name, finding)
    if away is None:
        _limit_statements("0")


def _fault_of_database() -> Finding | None:
    try:
        _limit_statements(f"{SECONDS}s")
    except (OperationalError, InterfaceError) as problem:
        said = str(problem).strip().splitlines()[0]
        return error(f"The database does not answer: {said}", "See DATABASE_URL, and its own log")
    return None


def _limit_statements(time: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, false)", [time])


def _look(check: Check) -> list[Finding]:
    try:
        return list(check.run())
    except OperationalError as problem:
        if isinstance(problem.__cause__, QueryCanceled):
            return [
                warning(f"It took longer than {SECONDS} s.", "Look again when less is going on")
            ]
        return [error(f"The database failed: {problem}", "See its log")]
    # A check that fails itself must not keep the others from being made.
    except Exception as problem:
        log.error("a check failed", check=check.name, exc_info=problem)
        return [error("The check itself failed: the log says why.", "Report it")]
