"""The time that reads go by: now, or the moment as of which they read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from django.utils import timezone

_moment: ContextVar[datetime | None] = ContextVar("moment", default=None)


def now() -> datetime:
    return _moment.get() or timezone.now()


def is_set() -> bool:
    """Whether reads go by another moment than now."""
    return _moment.get() is not None


@contextmanager
def set_to(moment: datetime) -> Iterator[None]:
    """Have reads in this block go by this moment."""
    token = _moment.set(moment)
    try:
        yield
    finally:
        _moment.reset(token)
