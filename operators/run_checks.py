"""Run the checks of `manage.py doctor`, each regardless of whether the others fail."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import structlog
from django.db import InterfaceError, OperationalError
from django.utils.module_loading import autodiscover_modules
from psycopg.errors import QueryCanceled

from core import sql
from core.checks import Check, Finding, Requires, checks, error, warning

from .doctor.database import is_migrated

log = structlog.get_logger(__name__)

# Time limit for one statement of a check.
STATEMENT_SECONDS = 60


@dataclass(frozen=True)
class CheckResult:
    check: str
    finding: Finding


def all_checks() -> list[Check]:
    """The checks of all apps, ordered by name."""
    autodiscover_modules("doctor")
    return sorted(checks(), key=lambda check: check.name)


def find_unknown_names(names: Collection[str]) -> list[str]:
    """The names that belong neither to a check nor to an app with checks."""
    known_names = {name for check in all_checks() for name in _names(check)}
    return [name for name in names if name not in known_names]


def _names(check: Check) -> set[str]:
    return {check.name, check.name.partition(".")[0]}


def run_checks(*, only: Collection[str] = (), calling_out: bool = False) -> Iterator[CheckResult]:
    """Run all checks, or `only` those with these names, which may be names of apps.

    Checks that call external servers run with `calling_out`, or when named themselves.
    """
    database_error = _connect()
    if database_error is not None:
        yield CheckResult("database", database_error)
    available = (
        Requires.MACHINE
        if database_error
        else Requires.TABLES
        if is_migrated()
        else Requires.DATABASE
    )
    for check in all_checks():
        is_selected = not only or _names(check) & set(only)
        is_allowed = calling_out or not check.calls_out or check.name in only
        if is_selected and is_allowed and check.requires <= available:
            for finding in _run_check(check):
                yield CheckResult(check.name, finding)
    if database_error is None:
        _limit_statements("0")


def _connect() -> Finding | None:
    try:
        _limit_statements(f"{STATEMENT_SECONDS}s")
    except (OperationalError, InterfaceError) as problem:
        reason = str(problem).strip().splitlines()[0]
        return error(f"The database cannot be reached: {reason}", "Check DATABASE_URL and its log")
    return None


def _limit_statements(timeout: str) -> None:
    sql.execute("SELECT set_config('statement_timeout', %s, false)", [timeout])


def _run_check(check: Check) -> list[Finding]:
    try:
        return list(check.run())
    except OperationalError as problem:
        if isinstance(problem.__cause__, QueryCanceled):
            return [
                warning(
                    f"This took longer than {STATEMENT_SECONDS} s.",
                    "Run it again at a quieter time",
                )
            ]
        return [error(f"The database failed: {problem}", "See the log of the database")]
    # A failing check must not prevent the others from running.
    except Exception as problem:
        log.error("a check failed", check=check.name, exc_info=problem)
        return [error("The check itself failed. See the log for the cause.", "Report it")]
