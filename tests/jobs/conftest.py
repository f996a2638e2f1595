from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs import registry
from jobs.job_run import Work
from jobs.registry import Kind


@pytest.fixture(autouse=True)
def stored(settings: Any, tmp_path: Path) -> Path:
    """Where the files of jobs are kept, for one test."""
    folder = tmp_path / "stored"
    jobs = {**settings.STORAGES["jobs"], "OPTIONS": {"location": folder}}
    settings.STORAGES = {**settings.STORAGES, "jobs": jobs}
    return folder


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make a kind of job, `work`, that is known for one test."""
    monkeypatch.setattr(registry, "_kinds", {})

    def register(run: Callable[[Work], None] = lambda work: None, **how: Any) -> None:
        registry.register(Kind("work", run, **how))

    return register


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """What jobs wait at, once they have begun, until it is opened."""
    return tmp_path
