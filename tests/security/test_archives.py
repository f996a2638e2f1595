"""Hostile archives are rejected after little work, and nothing is stored or left behind."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backups.archive.limits import ROW_LIMIT_FROM, UnpackBudget
from tests.backups.imports import all_rows, send
from tests.security.hostile_archives import HOSTILE, MEGABYTE, Hostile

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

# Calls of functions within one request: those of any request, and those for each row that may be
# read of an archive of this size.
CALLS, CALLS_PER_ROW = 60_000, 80


@contextmanager
def counted_calls() -> Iterator[list[int]]:
    """Count the calls of all functions, those written in C too."""
    calls = [0]

    def count(frame: object, event: str, function: object) -> None:
        if event in ("call", "c_call"):
            calls[0] += 1

    sys.setprofile(count)
    try:
        yield calls
    finally:
        sys.setprofile(None)


@pytest.fixture
def budgets(monkeypatch: pytest.MonkeyPatch) -> list[UnpackBudget]:
    """What is left of the budgets of all archives that are read."""
    made: list[UnpackBudget] = []
    make = UnpackBudget.for_archive

    def remember(size: int) -> UnpackBudget:
        made.append(make(size))
        return made[-1]

    monkeypatch.setattr(UnpackBudget, "for_archive", remember)
    return made


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda hostile: hostile.name)
def test_a_hostile_archive_costs_little_and_leaves_nothing(
    hostile: Hostile, alice, settings, budgets
) -> None:
    archive = hostile.make()
    send(alice, b"")  # loads what the first import of a process loads
    before, scratch = all_rows(), files_in(settings.STATE_DIR / "scratch")

    with counted_calls() as calls:
        answer = send(alice, archive)

    assert answer.status_code in (400, 413), answer.content
    assert answer.json()["code"] in ("bad_archive", "archive_too_large")
    assert hostile.detail in answer.json()["detail"]
    assert len(answer.json()["detail"]) < 600
    assert calls[0] < CALLS + CALLS_PER_ROW * (ROW_LIMIT_FROM + len(archive))
    for budget in budgets:
        # A row, and a chunk of bytes, is counted before it is rejected.
        assert budget.remaining_rows >= -1
        assert budget.remaining >= -3 * MEGABYTE
    assert all_rows() == before
    assert files_in(settings.STATE_DIR / "scratch") == scratch


def test_there_are_as_many_of_them_as_there_were() -> None:
    assert len({hostile.name for hostile in HOSTILE}) == len(HOSTILE) >= 69


def test_the_work_that_an_archive_may_cause_depends_on_its_size_only(settings) -> None:
    small, large = UnpackBudget.for_archive(498), UnpackBudget.for_archive(498_000)

    assert small.remaining <= 4 * MEGABYTE
    assert small.remaining_rows == ROW_LIMIT_FROM + 498
    assert large.remaining == 498_000 * settings.IMPORT_MAX_RATIO
    assert large.remaining_rows == ROW_LIMIT_FROM + 498_000


def files_in(folder: Path) -> set[Path]:
    return set(folder.rglob("*")) if folder.exists() else set()
