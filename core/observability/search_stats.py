"""How many searches were answered of late, and how fast: of all processes on all machines.

They are counted in the shared cache, for a day, in windows of ten minutes. A search does not wait
for that: a thread of each process adds up what there was in a second. What a process has not sent
when it is killed is lost, and so is all of it when the cache is.
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
EVERY_SECONDS = 1.0

_lock = Lock()
_pending: defaultdict[int, Counter[str]] = defaultdict(Counter)


@dataclass(frozen=True)
class SearchCounts:
    """What was counted in some windows: `slower[i]` took longer than QUICK[i - 1], not QUICK[i]."""

    start: int  # seconds since 1970
    by_duration: tuple[int, ...]

    @property
    def count(self) -> int:
        return sum(self.by_duration)

    def quantile(self, share: float) -> float | None:
        """Seconds that this share took at most, by where it is in its bucket. None without any."""
        wanted, seen = share * self.count, 0
        for number, lower, upper in zip(
            self.by_duration,
            (0.0, *SHORT_BUCKETS),
            (*SHORT_BUCKETS, SHORT_BUCKETS[-1]),
            strict=True,
        ):
            if number and seen + number >= wanted:
                return lower + (upper - lower) * (wanted - seen) / number
            seen += number
        return None


def merge(parts: Iterable[SearchCounts], *, start: int) -> SearchCounts:
    counted = zip(*(part.by_duration for part in parts), strict=True)
    return SearchCounts(start, tuple(map(sum, counted)))


def record_search(seconds: float) -> None:
    """Count a search that took so long."""
    window = int(time.time()) // WINDOW * WINDOW
    with _lock:
        first = not _pending
        _pending[window][str(bisect_left(SHORT_BUCKETS, seconds))] += 1
    if first:
        timer = Timer(EVERY_SECONDS, flush)
        timer.daemon = True
        timer.start()


def flush() -> None:
    """Add what this process has counted to what is known."""
    with _lock:
        counted = {window: dict(numbers) for window, numbers in _pending.items()}
        _pending.clear()
    _server().attempt(lambda: _add(counted))


def last_day() -> list[SearchCounts] | None:
    """All windows of the last 24 hours, the oldest first. None while the cache is away."""
    last = int(time.time()) // WINDOW * WINDOW
    starts = range(last - (WINDOWS - 1) * WINDOW, last + 1, WINDOW)
    found = _server().attempt(lambda: _read(starts))
    if found is None:
        return None
    return [SearchCounts(*one) for one in zip(starts, map(_by_duration, found), strict=True)]


def _by_duration(numbers: Mapping[bytes, bytes]) -> tuple[int, ...]:
    return tuple(int(numbers.get(str(at).encode(), 0)) for at in range(len(SHORT_BUCKETS) + 1))


def _add(counted: Mapping[int, Mapping[str, int]]) -> bool:
    pipeline = _server().client.pipeline(transaction=False)
    for window, numbers in counted.items():
        for bucket, number in numbers.items():
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
    """The cache that limits are counted in: never an error, never a long wait."""
    cache = caches["limits"]
    assert isinstance(cache, CounterCache)  # noqa: S101 - as the settings have it
    return cache.server
