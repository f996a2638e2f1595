"""A dump of the embedded database before an upgrade changes it, and the way back."""

from __future__ import annotations

import subprocess
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import LiteralString

import psycopg
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from psycopg import sql

from core import disk
from embedded import postgres
from embedded.errors import ServiceFailed
from embedded.postgres_setup import DATABASE
from embedded.state_folder import dump_folder, ensure_private, list_dumps

# The dump before the last upgrade, and the one before that.
KEPT = 2

RESTORED, REPLACED = f"{DATABASE}_restored", f"{DATABASE}_replaced"


def list_pending_migrations() -> list[str]:
    """The names of the migrations that a start would apply, in their order."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def dump_before_upgrade() -> Path | None:
    """Dump a database that is about to be migrated, but for a new one. Raises ServiceFailed."""
    return None if is_new() or not list_pending_migrations() else dump_database()


def is_new() -> bool:
    """Whether no release has migrated the database yet."""
    return not MigrationRecorder(connection).applied_migrations()


def dump_database() -> Path:
    """Write a dump of the whole database. Raises ServiceFailed, and then leaves nothing."""
    folder = ensure_private(dump_folder(settings.STATE_DIR))
    _require_space(folder)
    file = folder / f"{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}.dump"
    draft = file.with_suffix(".draft")
    try:
        draft.touch(mode=0o600)
        _run("pg_dump", "--format=custom", "--compress=1", "--no-comments", f"--file={draft}")
        draft.rename(file)
    finally:
        draft.unlink(missing_ok=True)
    for old in list_dumps(settings.STATE_DIR)[KEPT:]:
        old.unlink()
    return file


def restore_dump(file: Path) -> None:
    """Replace the database by what a dump holds, or leave it as it is. Raises ServiceFailed."""
    connection.close()
    with closing(_connect("postgres")) as maintenance:
        for name in (RESTORED, REPLACED):
            maintenance.execute(_statement("DROP DATABASE IF EXISTS {}", name))
        maintenance.execute(_statement("CREATE DATABASE {}", RESTORED))
        try:
            _run("pg_restore", "--exit-on-error", f"--dbname={RESTORED}", str(file))
        except ServiceFailed:
            maintenance.execute(_statement("DROP DATABASE {}", RESTORED))
            raise
        if hasattr(connection, "close_pool"):
            connection.close_pool()
        maintenance.execute(_statement("ALTER DATABASE {} RENAME TO {}", DATABASE, REPLACED))
        maintenance.execute(_statement("ALTER DATABASE {} RENAME TO {}", RESTORED, DATABASE))
        maintenance.execute(_statement("DROP DATABASE {}", REPLACED))


def _require_space(folder: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        [size] = cursor.fetchone() or [0]
    free = disk.free_bytes(folder)
    if free < size:
        raise ServiceFailed(
            "The disk has no room for the dump of the database that is written before an upgrade: "
            f"{_megabytes(size)} may be needed, {_megabytes(free)} are free. Free some, or back up "
            "elsewhere and set OPENMEMORY_DUMP_BEFORE_UPGRADE=0."
        )


def _run(program: str, *arguments: str) -> None:
    parameters = connection.settings_dict
    environment = {
        "PGHOST": str(parameters["HOST"]),
        "PGPORT": str(parameters["PORT"]),
        "PGUSER": parameters["USER"],
        "PGDATABASE": parameters["NAME"],
    }
    ended = subprocess.run(  # noqa: S603
        [str(postgres.programs() / program), "--no-password", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise ServiceFailed(f"`{program}` failed: {ended.stderr.strip()[-2000:]}")


def _connect(database: str) -> psycopg.Connection[tuple[object, ...]]:
    parameters = connection.get_connection_params() | {"dbname": database}
    wanted = {name: parameters[name] for name in ("host", "port", "user", "dbname")}
    return psycopg.connect(**wanted, autocommit=True)


def _statement(template: LiteralString, *names: str) -> sql.Composed:
    return sql.SQL(template).format(*map(sql.Identifier, names))


def _megabytes(size: int) -> str:
    return f"{size / 1024**2:,.0f} MB"
