"""Measure and trace a search and its stages."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from core.observability import metrics, search_stats, tracing


@contextmanager
def stage(name: str) -> Iterator[None]:
    with metrics.timed(metrics.SEARCH_SECONDS, name), tracing.span(f"search {name}"):
        yield


@contextmanager
def timed_search() -> Iterator[None]:
    """Count a search that succeeds, and its duration, for the dashboard of the admin."""
    started = time.perf_counter()
    yield
    search_stats.record_search(time.perf_counter() - started)
