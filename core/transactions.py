"""The transaction of a change, which may be part of a longer one.

A call with an idempotency key stores its answer in the transaction of its change. That one has to
begin no later than the change, and ends only when the answer is known. Code that works for a while
before its change, as it calls a model, does this outside of any transaction: it uses `change()`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import transaction

Begin = Callable[[], None]

_begin: ContextVar[Begin | None] = ContextVar("begin", default=None)


@contextmanager
def change() -> Iterator[None]:
    """The transaction of a change. It is part of the longer one, if there is to be one."""
    begin = _begin.get()
    if begin is not None:
        begin()
    with transaction.atomic():
        yield


@contextmanager
def begun_by(begin: Begin) -> Iterator[None]:
    """Have the changes in this block call `begin` first. It begins the longer transaction once."""
    token = _begin.set(begin)
    try:
        yield
    finally:
        _begin.reset(token)
