"""Measure and trace each stage of a search."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from openmemory.watching import metrics, tracing


@contextmanager
def stage(name: str) -> Iterator[None]:
    with metrics.timed(metrics.SEARCH_SECONDS, name), tracing.step(f"search {name}"):
        yield
