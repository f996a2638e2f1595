"""The cache that limits are counted in: never an error, never a wait, one round trip a count."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import redis
import structlog
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.backoff import NoBackoff
from redis.retry import Retry

log = structlog.get_logger(__name__)

T = TypeVar("T")

# Seconds that a request waits for the cache at most, and how long it is then left alone.
PATIENCE = 0.25
PAUSE = 5.0

# Counters that a process remembers to have made. They are few: a key has one or two a minute.
REMEMBERED = 10_000


class Counters(RedisCache):
    """A cache for counting, as django-ratelimit does it: `add`, then `incr`.

    Both answer None while the cache is away. All threads of a process share its connections, and
    what they know about it.
    """

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._server = _server(server)

    @property
    def _cache(self) -> RedisCacheClient:
        return self._server.client

    def add(
        self,
        key: str,
        value: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> Any:
        made = self.make_and_validate_key(key, version=version)
        server, expiry = self._server, int(self.get_backend_timeout(timeout) or 0)
        if made in server.expiries:
            return False
        added = server.attempt(lambda: server.client.add(made, value, expiry))
        if added is not None:
            server.remember(made, expiry)
        return added

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> Any:
        made = self.make_and_validate_key(key, version=version)
        server = self._server
        return server.attempt(lambda: server.increase(made, delta))


class _Server:
    """One cache server, as a process sees it."""

    def __init__(self, location: str) -> None:
        self.expiries: dict[str, int] = {}
        self.client = RedisCacheClient(
            [location],
            socket_timeout=PATIENCE,
            socket_connect_timeout=PATIENCE,
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
            self._away_until = time.monotonic() + PAUSE
        try:
            answer = ask()
        except redis.RedisError as error:
            self._miss(error)
            return None
        if away_until is not None:
            self._away_until = None
            log.warning("limits are counted again")
        return answer

    def increase(self, key: str, delta: int) -> int:
        client = self.client.get_client(key, write=True)
        count: int = client.incr(key, delta)
        # It was evicted, or the server lost it: without this it would stay for ever.
        if count == delta and (expiry := self.expiries.get(key)):
            client.expire(key, expiry)
        return count

    def remember(self, key: str, expiry: int) -> None:
        if len(self.expiries) >= REMEMBERED:
            self.expiries.clear()
        self.expiries[key] = expiry

    def _miss(self, error: redis.RedisError) -> None:
        known, self._away_until = self._away_until is not None, time.monotonic() + PAUSE
        if not known:
            log.warning(
                "no request is limited: the cache is away",
                kind=type(error).__name__,
                reason=str(error),
            )


@cache
def _server(location: str) -> _Server:
    return _Server(location)
