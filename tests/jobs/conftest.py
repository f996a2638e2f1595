from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs import registry
from jobs.job_run import JobRun
from jobs.registry import JobType


@pytest.fixture(autouse=True)
def stored(settings: Any, tmp_path: Path) -> Path:
    """Where the files of jobs are kept, for one test."""
    folder = tmp_path / "stored"
    jobs = {**settings.STORAGES["jobs"], "OPTIONS": {"location": folder}}
    settings.STORAGES = {**settings.STORAGES, "jobs": jobs}
    return folder


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Register a job type, `work`, for one test."""
    monkeypatch.setattr(registry, "_registry", {})

    def register(run: Callable[[JobRun], None] = lambda run: None, **options: Any) -> None:
        JobType("work", **options).function(run)

    return register


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """What jobs wait at, once they have begun, until it is opened."""
    return tmp_path
