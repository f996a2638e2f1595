"""Numbers and durations of searches in the last 24 hours, across all processes and machines.

The shared cache counts them in windows of ten minutes. A search does not wait for the cache: a
thread of each process sends the counts once a second. A killed process loses what it has not sent,
and a lost cache loses all counts.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from threading import Lock, Timer

from django.core.cache import caches

from core.api.ratelimit_cache import CacheServer, CounterCache

from .metrics import SHORT_BUCKETS

WINDOW = 600
WINDOWS = 24 * 3600 // WINDOW
FLUSH_SECONDS = 1.0

_lock = Lock()
_pending: defaultdict[int, Counter[str]] = defaultdict(Counter)


@dataclass(frozen=True)
class SearchCounts:
    """Searches of a window. `by_duration[i]` took up to SHORT_BUCKETS[i], not the one before."""

    start: int  # seconds since 1970
    by_duration: tuple[int, ...]

    @property
    def count(self) -> int:
        return sum(self.by_duration)

    def quantile(self, share: float) -> float | None:
        """Estimate a quantile in seconds by interpolation in its bucket. None without searches."""
        rank, cumulative = share * self.count, 0
        for number, lower, upper in zip(
            self.by_duration,
            (0.0, *SHORT_BUCKETS),
            (*SHORT_BUCKETS, SHORT_BUCKETS[-1]),
            strict=True,
        ):
            if number and cumulative + number >= rank:
                return lower + (upper - lower) * (rank - cumulative) / number
            cumulative += number
        return None


def merge(windows: Iterable[SearchCounts], *, start: int) -> SearchCounts:
    buckets = zip(*(window.by_duration for window in windows), strict=True)
    return SearchCounts(start, tuple(map(sum, buckets)))


def record_search(seconds: float) -> None:
    """Count a search of this duration."""
    window = int(time.time()) // WINDOW * WINDOW
    with _lock:
        first = not _pending
        _pending[window][str(bisect_left(SHORT_BUCKETS, seconds))] += 1
    if first:
        timer = Timer(FLUSH_SECONDS, flush)
        timer.daemon = True
        timer.start()


def flush() -> None:
    """Send this process's counts to the cache."""
    with _lock:
        counts = {window: dict(buckets) for window, buckets in _pending.items()}
        _pending.clear()
    _server().attempt(lambda: _add(counts))


def last_day() -> list[SearchCounts] | None:
    """Return all windows of the last 24 hours, oldest first. None if the cache is unreachable."""
    last = int(time.time()) // WINDOW * WINDOW
    starts = range(last - (WINDOWS - 1) * WINDOW, last + 1, WINDOW)
    windows = _server().attempt(lambda: _read(starts))
    if windows is None:
        return None
    return [
        SearchCounts(start, _by_duration(buckets))
        for start, buckets in zip(starts, windows, strict=True)
    ]


def _by_duration(buckets: Mapping[bytes, bytes]) -> tuple[int, ...]:
    return tuple(
        int(buckets.get(str(bucket).encode(), 0)) for bucket in range(len(SHORT_BUCKETS) + 1)
    )


def _add(counts: Mapping[int, Mapping[str, int]]) -> bool:
    pipeline = _server().client.pipeline(transaction=False)
    for window, buckets in counts.items():
        for bucket, number in buckets.items():
            pipeline.hincrby(_key(window), bucket, number)
        pipeline.expire(_key(window), (WINDOWS + 1) * WINDOW)
    pipeline.execute()
    return True


def _read(starts: Iterable[int]) -> list[Mapping[bytes, bytes]]:
    pipeline = _server().client.pipeline(transaction=False)
    for start in starts:
        pipeline.hgetall(_key(start))
    return list(pipeline.execute())


def _key(window: int) -> str:
    return f"openmemory:searches:{window}"


def _server() -> CacheServer:
    """The cache of rate limits, because it raises no errors and hardly waits."""
    cache = caches["limits"]
    assert isinstance(cache, CounterCache)  # noqa: S101 - as configured in the settings
    return cache.server
