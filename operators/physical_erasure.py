"""Clear away what PostgreSQL and Valkey still have in their files of what was removed.

PostgreSQL leaves what was removed where it is until it needs the room, in the pages of tables and
indexes and in its log, and a sample of each column with the statistics of the planner. By default
the rows and the samples are cleared away: nothing that is asked of the database shows any of it.
With `whole` the files are written anew as well, for which nobody reads the tables meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import psycopg
import redis
from django.apps import apps
from django.conf import settings
from django.db import connection

from embedded.postgres_data import SUPERUSER

from . import vacuum

# Samples of what is gone would stay with a table that is empty now, as it is not sampled again.
SAMPLES = """
SELECT pg_clear_attribute_stats(schemaname, tablename, attname, inherited)
FROM pg_stats WHERE schemaname = current_schema() AND tablename = ANY(%s)
"""
HAS_CLEARING = 180_000  # the version of PostgreSQL

# Seconds for Valkey to write its file anew.
REWRITE = 60


def clear(*, whole: bool, telling: Callable[[str], None]) -> list[str]:
    """Clear away what was removed. Not in a transaction. Returns what could not be done.

    `telling` is told what is done, often the same, and may raise. Raises TablesBusy.
    """
    tables = [model._meta.db_table for model in apps.get_models(include_auto_created=True)]
    remarks = _clear_samples(tables)
    if whole:
        tables.append("pg_statistic")  # which the owner of the database may
    for _ in vacuum.vacuum(tables, whole=whole):
        telling("clearing the tables")
    if whole:
        telling("clearing the log of the database")
        remarks += _clear_log()
    telling("clearing the broker")
    return remarks + _clear_broker()


def _clear_samples(tables: list[str]) -> list[str]:
    with connection.cursor() as cursor:
        if connection.pg_version < HAS_CLEARING:  # type: ignore[attr-defined]
            return ["Before PostgreSQL 18, samples of columns of empty tables stay with them."]
        cursor.execute(SAMPLES, [tables])
        return []


def _clear_log() -> list[str]:
    """Have the embedded PostgreSQL begin its log anew, and remove the files of the one so far."""
    if settings.DATABASE_URL:
        return ["The log of the database (WAL) keeps what was removed until it is recycled."]
    parameters: dict[str, Any] = {**connection.get_connection_params(), "user": SUPERUSER}
    with psycopg.connect(**parameters, autocommit=True) as superuser:
        superuser.execute("ALTER SYSTEM SET wal_recycle TO off")
        superuser.execute("SELECT pg_reload_conf()")
        try:
            [files] = superuser.execute("SELECT count(*) FROM pg_ls_waldir()").fetchone() or [0]
            # Once through those too that were laid aside to be written over one day.
            for _ in range(int(files) + 1):
                superuser.execute("SELECT pg_logical_emit_message(true, 'openmemory', '')")
                superuser.execute("SELECT pg_switch_wal()")
            superuser.execute("CHECKPOINT")
        finally:
            superuser.execute("ALTER SYSTEM RESET wal_recycle")
            superuser.execute("SELECT pg_reload_conf()")
    return []


def _clear_broker() -> list[str]:
    """Have the file of the broker written anew, which repeats all that was ever put there."""
    location = str(settings.CACHES["default"]["LOCATION"])
    try:
        with redis.Redis.from_url(location, socket_timeout=5, socket_connect_timeout=5) as broker:
            if broker.info("persistence").get("aof_enabled"):
                broker.bgrewriteaof()
                _await_rewrite(broker)
    except redis.RedisError as error:
        return [f"The file of the broker was not written anew ({error})."]
    return []


def _await_rewrite(broker: redis.Redis) -> None:
    deadline = time.monotonic() + REWRITE
    while time.monotonic() < deadline:
        state = broker.info("persistence")
        if not state["aof_rewrite_in_progress"] and not state["aof_rewrite_scheduled"]:
            return
        time.sleep(0.1)
