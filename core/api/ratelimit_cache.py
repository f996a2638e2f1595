"""The cache that limits are counted in: never an error, never a wait, one round trip a count."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import redis
import structlog
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.redis import RedisCache
from redis.backoff import NoBackoff
from redis.retry import Retry

log = structlog.get_logger(__name__)

T = TypeVar("T")

# Seconds that a request waits for the cache at most, and how long it is then left alone.
TIMEOUT_SECONDS = 0.25
RETRY_SECONDS = 5.0

# Counters that a process remembers to have made. They are few: a key has one or two a minute.
MAX_REMEMBERED = 10_000


class CounterCache(RedisCache):
    """A cache for counting, as django-ratelimit does it: `add`, then `incr`.

    Both answer None while the cache is away. All threads of a process share its connections, and
    what they know about it.
    """

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self.server = _server(server)

    def add(
        self,
        key: str,
        value: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> Any:
        made = self.make_and_validate_key(key, version=version)
        server, expiry = self.server, int(self.get_backend_timeout(timeout) or 0)
        if made in server.expiries:
            return False
        return server.attempt(lambda: server.make(made, value, expiry))

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> Any:
        made = self.make_and_validate_key(key, version=version)
        server = self.server
        return server.attempt(lambda: server.increase(made, delta))


class CacheServer:
    """One cache server, as a process sees it."""

    def __init__(self, location: str) -> None:
        self.expiries: dict[str, int] = {}
        self.client = redis.Redis.from_url(
            location,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            # Once more at once, on a connection that is not of before the server's restart.
            retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
        )
        self._away_until: float | None = None

    def attempt(self, ask: Callable[[], T]) -> T | None:
        """Ask the server; None while it is away. Only the first and last miss are logged."""
        away_until = self._away_until
        if away_until is not None:
            if time.monotonic() < away_until:
                return None
            # One thread finds out whether it is back. The others go on meanwhile.
            self._away_until = time.monotonic() + RETRY_SECONDS
        try:
            answer = ask()
        except redis.RedisError as error:
            self._miss(error)
            return None
        if away_until is not None:
            self._away_until = None
            log.warning("limits are counted again")
        return answer

    def make(self, key: str, value: int, expiry: int) -> bool:
        made = bool(self.client.set(key, value, ex=expiry, nx=True))
        if len(self.expiries) >= MAX_REMEMBERED:
            self.expiries.clear()
        self.expiries[key] = expiry
        return made

    def increase(self, key: str, delta: int) -> int:
        count: int = self.client.incr(key, delta)
        # It was evicted, or the server lost it: without this it would stay for ever.
        if count == delta and (expiry := self.expiries.get(key)):
            self.client.expire(key, expiry)
        return count

    def _miss(self, error: redis.RedisError) -> None:
        known, self._away_until = self._away_until is not None, time.monotonic() + RETRY_SECONDS
        if not known:
            log.warning(
                "no request is limited: the cache is away",
                kind=type(error).__name__,
                reason=str(error),
            )


@cache
def _server(location: str) -> CacheServer:
    return CacheServer(location)
