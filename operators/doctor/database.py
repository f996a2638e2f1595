"""Check that the database is compatible, migrated and maintained."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from packaging.version import Version

from core import sql
from core.checks import Findings, Requires, check, error, format_list, ok, warning
from embedded.postgres_setup import EXTENSIONS

OLDEST_POSTGRES = 14
OLDEST_PGVECTOR = Version("0.8")  # the first with iterative index scans

# Seconds that the two clocks may differ. One decides when leases end, the other what is due.
MAX_SKEW, BAD_SKEW = 2.0, 30.0
LONG_TRANSACTION = timedelta(hours=1)
CONNECTION_SHARE = 0.8
# Of the 2 billion transactions after which PostgreSQL stops accepting writes.
MAX_TRANSACTION_AGE = 1_000_000_000

EXTENSION_VERSIONS = """
SELECT name, installed_version, default_version FROM pg_available_extensions
WHERE name = ANY(%s)
"""
INVALID_INDEXES = """
SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
WHERE NOT indisvalid AND relnamespace = current_schema()::regnamespace
    AND relname NOT LIKE %s
    AND indexrelid NOT IN (SELECT index_relid FROM pg_stat_progress_create_index)
ORDER BY 1
"""
OPEN_TRANSACTIONS = """
SELECT count(*), max(clock_timestamp() - xact_start) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
"""
CONNECTIONS_USED = """
SELECT count(*), current_setting('max_connections')::int FROM pg_stat_activity
WHERE backend_type = 'client backend'
"""
MAINTENANCE = """
SELECT age(datfrozenxid), current_setting('autovacuum')::bool FROM pg_database
WHERE datname = current_database()
"""


@check("database.versions", requires=Requires.DATABASE)
def versions() -> Findings:
    server_version = sql.fetch_value("SHOW server_version")
    major = connection.pg_version // 10_000  # type: ignore[attr-defined]
    if major < OLDEST_POSTGRES:
        yield error(
            f"PostgreSQL is {server_version}.",
            f"Migrate to {OLDEST_POSTGRES} or newer with a backup",
        )
    else:
        place = "external" if settings.DATABASE_URL else "embedded"
        yield ok(f"PostgreSQL is {server_version}, {place}.")


@check("database.extensions", requires=Requires.DATABASE)
def extensions() -> Findings:
    rows = sql.fetch_all(EXTENSION_VERSIONS, [list(EXTENSIONS)])
    versions = {name: (installed, available) for name, installed, available in rows}
    missing = [name for name in EXTENSIONS if not versions.get(name, (None,))[0]]
    if missing:
        yield error(
            f"Extensions are missing: {format_list(missing)}.",
            "Run as a superuser in this database: CREATE EXTENSION …",
        )
        return
    if Version(versions["vector"][0]) < OLDEST_PGVECTOR:
        yield error(
            f"pgvector is {versions['vector'][0]}.",
            f"Install {OLDEST_PGVECTOR} or newer, then run: ALTER EXTENSION vector UPDATE",
        )
    outdated = [name for name, (current, latest) in versions.items() if current != latest]
    if outdated:
        yield warning(
            f"Newer versions of these extensions are available: {format_list(outdated)}.",
            "Run as their owner: ALTER EXTENSION … UPDATE",
        )
    if not outdated:
        yield ok(f"pgvector is {versions['vector'][0]}.")


@check("database.processor", requires=Requires.DATABASE)
def processor() -> Findings:
    """An extension built for another processor crashes the process that calls it."""
    try:
        sql.fetch_one("SELECT '[1,2,3]'::halfvec(3) <=> '[3,2,1]', '[1,2,3]'::vector <=> '[3,2,1]'")
    except OperationalError:
        connection.close()
        yield error(
            "pgvector does not run on this processor.",
            "Set DATABASE_URL to a PostgreSQL whose pgvector was built for it",
        )
    else:
        yield ok("pgvector runs on this processor.")


@check("database.migrations", requires=Requires.DATABASE)
def migrations() -> Findings:
    executor = MigrationExecutor(connection)
    known_migrations = set(executor.loader.graph.nodes)
    newer = sorted(
        f"{app} {name}" for app, name in set(executor.loader.applied_migrations) - known_migrations
    )
    if pending := _pending_migrations(executor):
        yield error(
            f"Migrations are pending: {format_list(pending)}."
            " Other checks of the database are skipped.",
            "Run: manage.py migrate (make run does so by itself)",
        )
    elif newer:
        yield warning(
            f"The database was migrated by a newer server: {format_list(newer)}.",
            "Run that version of the server everywhere",
        )
    else:
        yield ok("All migrations are applied.")


def is_migrated() -> bool:
    return not _pending_migrations(MigrationExecutor(connection))


def _pending_migrations(executor: MigrationExecutor) -> list[str]:
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label} {migration.name}" for migration, _ in plan]


@check("database.indexes", requires=Requires.DATABASE)
def invalid_indexes() -> Findings:
    invalid = sql.fetch_column(INVALID_INDEXES, [r"nearest\_%"])
    if invalid:
        yield error(
            f"Indexes are invalid and not used: {format_list(invalid)}.",
            "Rebuild each: REINDEX INDEX CONCURRENTLY …",
        )
    else:
        yield ok("All indexes are valid.")


@check("database.clock", requires=Requires.DATABASE)
def clock() -> Findings:
    before = timezone.now()
    database_time = sql.fetch_value("SELECT clock_timestamp()")
    local_time = before + (timezone.now() - before) / 2
    skew = abs((database_time - local_time).total_seconds())
    advice = "Synchronise the clocks of both machines with NTP"
    if skew > BAD_SKEW:
        yield error(f"The clocks of this machine and the database differ by {skew:.0f} s.", advice)
    elif skew > MAX_SKEW:
        yield warning(
            f"The clocks of this machine and the database differ by {skew:.1f} s.", advice
        )
    else:
        yield ok("The clocks of this machine and the database agree.")


@check("database.load", requires=Requires.DATABASE)
def load() -> Findings:
    [[used, limit]] = sql.fetch_all(CONNECTIONS_USED)
    if used > CONNECTION_SHARE * limit:
        yield warning(
            f"{used} of {limit} connections are in use.",
            "Raise max_connections, or lower OPENMEMORY_DATABASE_POOL",
        )
    else:
        yield ok(f"{used} of {limit} connections are in use.")


@check("database.upkeep", requires=Requires.DATABASE)
def upkeep() -> Findings:
    [[transactions, longest]] = sql.fetch_all(OPEN_TRANSACTIONS)
    blocked = transactions and longest > LONG_TRANSACTION
    if blocked:
        yield warning(
            f"A transaction has been open for {longest}. Rows deleted since then cannot be"
            " vacuumed.",
            "Find it in pg_stat_activity and end it: SELECT pg_terminate_backend(…)",
        )
    [[age, autovacuum]] = sql.fetch_all(MAINTENANCE)
    neglected = not autovacuum or age > MAX_TRANSACTION_AGE
    if neglected:
        yield error(
            "Autovacuum is off, or does not keep up.",
            "Turn it on, and run: VACUUM (FREEZE)",
        )
    if not blocked and not neglected:
        yield ok("Autovacuum is on, and no transaction blocks it.")
