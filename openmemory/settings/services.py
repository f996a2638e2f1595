"""The web processes, the database and the cache."""

from __future__ import annotations

from core import connection_urls, env
from embedded import state_folder

from .base import STATE_DIR

# A Python process runs one thread at a time: on two cores, two processes store 1.4 times as many
# memories per second as one. Each has a copy of the model. Threads are created on demand. They are
# many because a request that waits for a job or a model holds one, though no database connection.
WEB_PROCESSES = env.integer("OPENMEMORY_WEB_PROCESSES", 2, minimum=1, maximum=64)
WEB_THREADS = env.integer("OPENMEMORY_WEB_THREADS", 64, minimum=1, maximum=1024)

# Seconds that a server, once asked to stop, reports that it is not ready but still answers. Load
# balancers with periodic health checks need this time to notice.
DRAIN_SECONDS = env.integer("OPENMEMORY_DRAIN_SECONDS", 0, minimum=0, maximum=300)

# Agents with the oldest protocol keep a stream open, which holds a thread. A process has this many
# additional threads for streams, and rejects further streams.
AGENT_STREAMS = env.integer("OPENMEMORY_AGENT_STREAMS", 64, minimum=1, maximum=1024)

# The maximum of database connections per process. Other threads wait for one. With 0 each thread
# has its own connection, as in workers.
DATABASE_POOL = env.integer("OPENMEMORY_DATABASE_POOL", 20, minimum=0, maximum=1000)

DATABASE_URL = env.secret("DATABASE_URL")
REDIS_URL = env.secret("REDIS_URL")

_database = (
    connection_urls.parse_database_url(DATABASE_URL)
    if DATABASE_URL
    else state_folder.database_settings(STATE_DIR)
)
# Each second of `max_idle` without use closes one connection of PostgreSQL, which has a process.
# The pool waits twice as long before each attempt to reconnect: for so many seconds in all, or it
# would be away for as long again as the database was.
_pool = (
    {
        "min_size": 0,
        "max_size": DATABASE_POOL,
        "timeout": 10,
        "max_idle": 10,
        "reconnect_timeout": 10,
    }
    if DATABASE_POOL
    else False
)

DATABASES = {
    "default": {
        **_database,
        "ENGINE": "core.pooled_postgres",
        # Replaces connections after a restart of the database, so that no request fails.
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {**_database["OPTIONS"], "pool": _pool},
    }
}

CACHES: dict[str, dict[str, object]] = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": connection_urls.parse_redis_url(REDIS_URL)
        if REDIS_URL
        else state_folder.broker_url(STATE_DIR),
        "KEY_PREFIX": "openmemory",
    }
}
# The same server, for rate limits: requests do not wait for it while it is unreachable.
CACHES["limits"] = {**CACHES["default"], "BACKEND": "core.api.ratelimit_cache.CounterCache"}
# The same server, for circuit breakers of providers. Requests hardly wait for it either.
CACHES["circuits"] = {
    **CACHES["default"],
    "OPTIONS": {"socket_timeout": 0.25, "socket_connect_timeout": 0.25},
}
