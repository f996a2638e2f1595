"""The processes that serve, the database and the cache."""

from __future__ import annotations

from core import connection_urls, env
from embedded import state

from .base import STATE_DIR

# Python runs one thread of a process at a time: with two processes, two cores remember 1.4 times
# as many memories a second as with one. Each has a copy of the model. Threads are made on demand,
# and are many because a client that sends its body slowly holds one meanwhile; it holds no
# connection to the database.
WEB_PROCESSES = env.integer("OPENMEMORY_WEB_PROCESSES", 2, minimum=1, maximum=64)
WEB_THREADS = env.integer("OPENMEMORY_WEB_THREADS", 64, minimum=1, maximum=1024)

# After it was told to stop, a server says for so many seconds that it is not ready, and still
# answers: so long a load balancer, which asks that from time to time, may need to notice.
DRAIN_SECONDS = env.integer("OPENMEMORY_DRAIN_SECONDS", 0, minimum=0, maximum=300)

# Agents that speak the oldest protocol keep a stream open, which holds a thread: a process has so
# many threads more, and refuses more streams.
AGENT_STREAMS = env.integer("OPENMEMORY_AGENT_STREAMS", 64, minimum=1, maximum=1024)

# Connections to the database that one process opens at most. The others wait for one. With 0,
# each thread has its own, as workers do it.
DATABASE_POOL = env.integer("OPENMEMORY_DATABASE_POOL", 20, minimum=0, maximum=1000)

DATABASE_URL = env.secret("DATABASE_URL")
REDIS_URL = env.secret("REDIS_URL")

_database = (
    connection_urls.parse_database_url(DATABASE_URL)
    if DATABASE_URL
    else state.database_settings(STATE_DIR)
)
_pool = {"min_size": 1, "max_size": DATABASE_POOL, "timeout": 10} if DATABASE_POOL else False

DATABASES = {
    "default": {
        **_database,
        "ENGINE": "django.db.backends.postgresql",
        # A database that was started again costs no request: its old connections are replaced.
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {**_database["OPTIONS"], "pool": _pool},
    }
}

CACHES: dict[str, dict[str, object]] = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": connection_urls.parse_redis_url(REDIS_URL or state.broker_url(STATE_DIR)),
        "KEY_PREFIX": "openmemory",
    }
}
# The same one, for counting: it holds up no request when it is away.
CACHES["limits"] = {**CACHES["default"], "BACKEND": "core.api.ratelimit_cache.CounterCache"}
# What is known of providers that are down. It is not waited for either.
CACHES["circuits"] = {
    **CACHES["default"],
    "OPTIONS": {"socket_timeout": 0.25, "socket_connect_timeout": 0.25},
}
