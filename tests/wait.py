"""Two at once, of whom one waits for what the other holds."""

from __future__ import annotations

from core.sql import fetch_value
from tests.deadline import eventually


def until_somebody_waits() -> None:
    assert eventually(lambda: fetch_value("SELECT count(*) FROM pg_locks WHERE NOT granted")), (
        "nobody waits"
    )
