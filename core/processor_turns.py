"""Turns of requests that share a processor: who waits for something else lets others go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Turn:
    interrupt: Callable[[], object]
    resume: Callable[[], object]


_turn: ContextVar[Turn | None] = ContextVar("turn", default=None)


def take(turn: Turn, function: Callable[..., T], *arguments: Any) -> T:
    """Call a function in a turn of its own."""
    token = _turn.set(turn)
    try:
        return function(*arguments)
    finally:
        _turn.reset(token)


@contextmanager
def interrupted() -> Iterator[None]:
    """Wait for something that takes long, without counting as a request that runs."""
    turn = _turn.get()
    if turn is None:
        yield
        return
    turn.interrupt()
    try:
        yield
    finally:
        turn.resume()
