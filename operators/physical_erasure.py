"""Erase what remains of deleted data in the files of PostgreSQL and Valkey.

PostgreSQL leaves deleted rows in the pages of tables and indexes and in its WAL until it reuses
the space, and samples of each column in the planner's statistics. By default the dead rows and the
samples are removed, so that no query can show them. With `rewrite` the files are rewritten as
well, during which the tables cannot be read.
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

from core import sql
from embedded.postgres_data import SUPERUSER

from . import vacuum

# ANALYZE does not update the samples of a table that is empty now, so they are cleared.
SAMPLES = """
SELECT pg_clear_attribute_stats(schemaname, tablename, attname, inherited)
FROM pg_stats WHERE schemaname = current_schema() AND tablename = ANY(%s)
"""
CLEARS_STATS = 180_000  # the first version of PostgreSQL with pg_clear_attribute_stats

# Seconds for Valkey to rewrite its file.
REWRITE_TIMEOUT = 60


def erase_physically(*, rewrite: bool, report: Callable[[str], None]) -> list[str]:
    """Erase deleted data physically. Not in a transaction. Returns remarks on what is left.

    Calls `report` with each step, which may raise. Raises TablesBusy.
    """
    tables = [model._meta.db_table for model in apps.get_models(include_auto_created=True)]
    remarks = _clear_samples(tables)
    if rewrite:
        tables.append("pg_statistic")  # the owner of the database may rewrite it
    for _ in vacuum.vacuum_tables(tables, full=rewrite):
        report("clearing the tables")
    if rewrite:
        report("clearing the WAL")
        remarks += _clear_wal()
    report("clearing the broker")
    return remarks + _clear_broker()


def _clear_samples(tables: list[str]) -> list[str]:
    if connection.pg_version < CLEARS_STATS:  # type: ignore[attr-defined]
        return [
            "Before PostgreSQL 18, the statistics of empty tables retain samples of deleted data."
        ]
    sql.execute(SAMPLES, [tables])
    return []


def _clear_wal() -> list[str]:
    """Make the embedded PostgreSQL start new WAL files and remove the old ones."""
    if settings.DATABASE_URL:
        return ["The WAL of the database contains deleted data until it is recycled."]
    parameters: dict[str, Any] = {**connection.get_connection_params(), "user": SUPERUSER}
    with psycopg.connect(**parameters, autocommit=True) as superuser:
        superuser.execute("ALTER SYSTEM SET wal_recycle TO off")
        superuser.execute("SELECT pg_reload_conf()")
        try:
            [files] = superuser.execute("SELECT count(*) FROM pg_ls_waldir()").fetchone() or [0]
            # Also cycle through the files that were recycled for later use.
            for _ in range(int(files) + 1):
                superuser.execute("SELECT pg_logical_emit_message(true, 'openmemory', '')")
                superuser.execute("SELECT pg_switch_wal()")
            superuser.execute("CHECKPOINT")
        finally:
            superuser.execute("ALTER SYSTEM RESET wal_recycle")
            superuser.execute("SELECT pg_reload_conf()")
    return []


def _clear_broker() -> list[str]:
    """Rewrite the append-only file of the broker, which contains every former write."""
    location = str(settings.CACHES["default"]["LOCATION"])
    try:
        with redis.Redis.from_url(location, socket_timeout=5, socket_connect_timeout=5) as broker:
            if broker.info("persistence").get("aof_enabled"):
                broker.bgrewriteaof()
                _await_rewrite(broker)
    except redis.RedisError as error:
        return [f"The append-only file of the broker was not rewritten ({error})."]
    return []


def _await_rewrite(broker: redis.Redis) -> None:
    deadline = time.monotonic() + REWRITE_TIMEOUT
    while time.monotonic() < deadline:
        state = broker.info("persistence")
        if not state["aof_rewrite_in_progress"] and not state["aof_rewrite_scheduled"]:
            return
        time.sleep(0.1)
