"""Leave a provider alone for a while that fails again and again: all processes together.

What is known stands in the shared cache. While that is away, each process has its own.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import redis
from django.core.cache import BaseCache, caches
from django.core.cache.backends.locmem import LocMemCache

T = TypeVar("T")

# Failures in a row until a circuit opens, and the seconds for which the first one keeps it open.
# Each one after that, by whoever tries it then, doubles them.
FAILURES = 5
FIRST_PAUSE = 5
LONGEST_PAUSE = 300

# Failures that are further apart than this many seconds are not in a row.
MEMORY = 900
# For so long the one who tries a provider again is waited for.
TRYING = 60

_own = LocMemCache("circuits", {"TIMEOUT": None, "OPTIONS": {"MAX_ENTRIES": 1000}})


@dataclass(frozen=True)
class Circuit:
    """What is known of one provider at one address with one key."""

    provider: str
    base_url: str
    key: str | None

    def pause(self) -> float | None:
        """How many seconds to leave the provider alone, None to call it now.

        After a pause one caller is let through, and the others go on waiting for how it fares.
        """
        known: dict[str, Any] = _ask(lambda cache: cache.get_many([self._open, self._failures]))
        until = known.get(self._open)
        if until is not None:
            return float(max(1, int(until) - int(time.time())))
        if known.get(self._failures, 0) < FAILURES:
            return None
        return None if _ask(lambda cache: cache.add(self._trying, 1, TRYING)) else 1.0

    @property
    def is_open(self) -> bool:
        """Whether nobody calls there just now. Asking changes nothing."""
        return bool(_ask(lambda cache: cache.get(self._open)))

    def failed(self, *, retry_after: float | None = None) -> None:
        """Count a failure. With `retry_after` an open circuit stays open for as long as that."""
        failures = _ask(self._count)
        if failures < FAILURES:
            return
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(failures - FAILURES, 16))
        pause = max(pause, min(LONGEST_PAUSE, round(retry_after or 0)))
        _ask(lambda cache: cache.set(self._open, int(time.time()) + pause, pause))
        _ask(lambda cache: cache.delete(self._trying))

    def succeeded(self) -> None:
        _ask(lambda cache: cache.delete_many([self._open, self._failures, self._trying]))

    def _count(self, cache: BaseCache) -> int:
        if cache.add(self._failures, 1, MEMORY):
            return 1
        try:
            failures: int = cache.incr(self._failures)
        except ValueError:  # it expired in between
            return 1
        cache.touch(self._failures, MEMORY)
        return failures

    @cached_property
    def _name(self) -> str:
        said = "\n".join([self.provider, self.base_url, self.key or ""])
        return "circuit:" + hashlib.sha256(said.encode()).hexdigest()[:32]

    @property
    def _open(self) -> str:
        return f"{self._name}:open"

    @property
    def _failures(self) -> str:
        return f"{self._name}:failures"

    @property
    def _trying(self) -> str:
        return f"{self._name}:trying"


def _ask(question: Callable[[BaseCache], T]) -> T:
    try:
        return question(caches["circuits"])
    except (redis.RedisError, OSError):
        return question(_own)
