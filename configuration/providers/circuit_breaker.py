"""Stop calling a provider that fails repeatedly, in all processes together.

The state is in the shared cache. If the cache is down, each process has its own state.
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

# Consecutive failures that open the circuit, and for how many seconds. Each failure of a probe
# doubles them.
FAILURE_THRESHOLD = 5
FIRST_OPEN_SECONDS = 5
MAX_OPEN_SECONDS = 300

# Failures further apart than this many seconds are not consecutive.
FAILURE_WINDOW = 900
# How long others wait for the result of a probe.
PROBE_SECONDS = 60

_fallback_cache = LocMemCache("circuits", {"TIMEOUT": None, "OPTIONS": {"MAX_ENTRIES": 1000}})


@dataclass(frozen=True)
class CircuitBreaker:
    """The circuit breaker for one provider at one base URL with one key."""

    provider: str
    base_url: str
    key: str | None

    def request_call(self) -> float | None:
        """None to call the provider now, else how many seconds to wait.

        When the circuit has been open for its time, one caller may probe the provider. The others
        wait for the result.
        """
        state: dict[str, Any] = _use_cache(
            lambda cache: cache.get_many([self._open_key, self._failures_key])
        )
        open_until = state.get(self._open_key)
        if open_until is not None:
            return float(max(1, int(open_until) - int(time.time())))
        if state.get(self._failures_key, 0) < FAILURE_THRESHOLD:
            return None
        is_probe = _use_cache(lambda cache: cache.add(self._probe_key, 1, PROBE_SECONDS))
        return None if is_probe else 1.0

    @property
    def is_open(self) -> bool:
        """Whether the provider is not called at the moment. Reading it changes nothing."""
        return bool(_use_cache(lambda cache: cache.get(self._open_key)))

    def record_failure(self, *, retry_after: float | None = None) -> None:
        """Count a failure. If the circuit opens, it stays open for `retry_after` at least."""
        failures = _use_cache(self._count_failure)
        if failures < FAILURE_THRESHOLD:
            return
        seconds = FIRST_OPEN_SECONDS * 2 ** min(failures - FAILURE_THRESHOLD, 16)
        seconds = min(MAX_OPEN_SECONDS, max(seconds, round(retry_after or 0)))
        open_until = int(time.time()) + seconds
        _use_cache(lambda cache: cache.set(self._open_key, open_until, seconds))
        _use_cache(lambda cache: cache.delete(self._probe_key))

    def record_success(self) -> None:
        keys = [self._open_key, self._failures_key, self._probe_key]
        _use_cache(lambda cache: cache.delete_many(keys))

    def _count_failure(self, cache: BaseCache) -> int:
        if cache.add(self._failures_key, 1, FAILURE_WINDOW):
            return 1
        try:
            failures: int = cache.incr(self._failures_key)
        except ValueError:  # it expired in between
            return 1
        cache.touch(self._failures_key, FAILURE_WINDOW)
        return failures

    @cached_property
    def _prefix(self) -> str:
        identity = "\n".join([self.provider, self.base_url, self.key or ""])
        return "circuit:" + hashlib.sha256(identity.encode()).hexdigest()[:32]

    @property
    def _open_key(self) -> str:
        return f"{self._prefix}:open"

    @property
    def _failures_key(self) -> str:
        return f"{self._prefix}:failures"

    @property
    def _probe_key(self) -> str:
        return f"{self._prefix}:trying"


def _use_cache(operation: Callable[[BaseCache], T]) -> T:
    try:
        return operation(caches["circuits"])
    except (redis.RedisError, OSError):
        return operation(_fallback_cache)
