"""Whether the database is one that the server can rely on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from packaging.version import Version

from core.checks import Findings, Requires, check, error, format_list, ok, warning
from embedded.postgres_setup import EXTENSIONS

OLDEST_POSTGRES = 14
OLDEST_PGVECTOR = Version("0.8")  # which goes on looking where filters leave too few

# Seconds that the two clocks may differ. Leases end by the one, what is due is told by the other.
CLOCKS, CLOCKS_APART = 2.0, 30.0
LONG_TRANSACTION = timedelta(hours=1)
CONNECTIONS = 0.8
# Of the two thousand million transactions after which PostgreSQL refuses to write.
OLDEST_TRANSACTION = 1_000_000_000

INVALID = """
SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
WHERE NOT indisvalid AND relnamespace = current_schema()::regnamespace
    AND relname NOT LIKE %s
    AND indexrelid NOT IN (SELECT index_relid FROM pg_stat_progress_create_index)
ORDER BY 1
"""
LONG = """
SELECT count(*), max(clock_timestamp() - xact_start) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
"""
USED = """
SELECT count(*), current_setting('max_connections')::int FROM pg_stat_activity
WHERE backend_type = 'client backend'
"""
UPKEEP = """
SELECT age(datfrozenxid), current_setting('autovacuum')::bool FROM pg_database
WHERE datname = current_database()
"""


def _row(statement: str, *parameters: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        return cursor.fetchone()


@check("database.versions", requires=Requires.DATABASE)
def versions() -> Findings:
    [said] = _row("SHOW server_version")
    major = connection.pg_version // 10_000  # type: ignore[attr-defined]
    if major < OLDEST_POSTGRES:
        yield error(
            f"PostgreSQL is {said}.", f"Go over to {OLDEST_POSTGRES} or newer with a backup"
        )
    else:
        yield ok(f"PostgreSQL is {said}, {'named' if settings.DATABASE_URL else 'embedded'}.")


@check("database.extensions", requires=Requires.DATABASE)
def extensions() -> Findings:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, installed_version, default_version FROM pg_available_extensions"
            " WHERE name = ANY(%s)",
            [list(EXTENSIONS)],
        )
        found = {name: (installed, offered) for name, installed, offered in cursor.fetchall()}
    missing = [name for name in EXTENSIONS if not found.get(name, (None,))[0]]
    if missing:
        yield error(
            f"Extensions are missing: {format_list(missing)}.",
            "As a superuser: CREATE EXTENSION …, in this database",
        )
        return
    if Version(found["vector"][0]) < OLDEST_PGVECTOR:
        yield error(
            f"pgvector is {found['vector'][0]}.",
            f"Install {OLDEST_PGVECTOR} or newer, then: ALTER EXTENSION vector UPDATE",
        )
    older = [name for name, (installed, offered) in found.items() if installed != offered]
    if older:
        yield warning(
            f"Newer versions of these extensions are installed beside: {format_list(older)}.",
            "As their owner: ALTER EXTENSION … UPDATE",
        )
    if not older:
        yield ok(f"pgvector is {found['vector'][0]}.")


@check("database.processor", requires=Requires.DATABASE)
def processor() -> Findings:
    """An extension that was built for another processor ends the process that calls it."""
    try:
        _row("SELECT '[1,2,3]'::halfvec(3) <=> '[3,2,1]', '[1,2,3]'::vector <=> '[3,2,1]'")
    except OperationalError:
        connection.close()
        yield error(
            "pgvector does not run on this processor.",
            "Set DATABASE_URL to a PostgreSQL with pgvector that was built for it",
        )
    else:
        yield ok("Vectors are compared as they should be.")


@check("database.migrations", requires=Requires.DATABASE)
def migrations() -> Findings:
    executor = MigrationExecutor(connection)
    known = set(executor.loader.graph.nodes)
    ahead = sorted(f"{app} {name}" for app, name in set(executor.loader.applied_migrations) - known)
    if behind := _unapplied(executor):
        yield error(
            f"The database is older than the server: {format_list(behind)}."
            " The checks of its tables are skipped.",
            "Run: manage.py migrate, as make run does by itself",
        )
    elif ahead:
        yield warning(
            f"The database was migrated by a newer server: {format_list(ahead)}.",
            "Run that version everywhere",
        )
    else:
        yield ok("The database is that of this server.")


def is_migrated() -> bool:
    return not _unapplied(MigrationExecutor(connection))


def _unapplied(executor: MigrationExecutor) -> list[str]:
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label} {migration.name}" for migration, _ in plan]


@check("database.indexes", requires=Requires.DATABASE)
def invalid_indexes() -> Findings:
    with connection.cursor() as cursor:
        cursor.execute(INVALID, [r"nearest\_%"])
        broken = [name for (name,) in cursor.fetchall()]
    if broken:
        yield error(
            f"Indexes were not built to the end, and are not used: {format_list(broken)}.",
            "Build each anew: REINDEX INDEX CONCURRENTLY …",
        )
    else:
        yield ok("Every index is whole.")


@check("database.clock", requires=Requires.DATABASE)
def clock() -> Findings:
    before = timezone.now()
    [there] = _row("SELECT clock_timestamp()")
    here = before + (timezone.now() - before) / 2
    apart = abs((there - here).total_seconds())
    advice = "Keep both machines' clocks by NTP"
    if apart > CLOCKS_APART:
        yield error(f"The clock here and that of the database are {apart:.0f} s apart.", advice)
    elif apart > CLOCKS:
        yield warning(f"The clock here and that of the database are {apart:.1f} s apart.", advice)
    else:
        yield ok("The clock here is that of the database.")


@check("database.load", requires=Requires.DATABASE)
def load() -> Findings:
    used, most = _row(USED)
    if used > CONNECTIONS * most:
        yield warning(
            f"{used} of {most} connections are used.",
            "Raise max_connections, or lower OPENMEMORY_DATABASE_POOL",
        )
    else:
        yield ok(f"{used} of {most} connections are used.")


@check("database.upkeep", requires=Requires.DATABASE)
def upkeep() -> Findings:
    transactions, longest = _row(LONG)
    held_up = transactions and longest > LONG_TRANSACTION
    if held_up:
        yield warning(
            f"A transaction has been open for {longest}: nothing that was removed since can be"
            " cleared away.",
            "Find it in pg_stat_activity, and end it: SELECT pg_terminate_backend(…)",
        )
    age, vacuums = _row(UPKEEP)
    neglected = not vacuums or age > OLDEST_TRANSACTION
    if neglected:
        yield error(
            "The database is not cleared up by itself (autovacuum).",
            "Switch it on, and run: VACUUM (FREEZE)",
        )
    if not held_up and not neglected:
        yield ok("The database clears up by itself, and nothing holds that up.")
