"""What the server's database needs beyond an empty PostgreSQL: its role, itself, extensions."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
from psycopg import sql

from .errors import ServiceFailed

DATABASE = "openmemory"
ROLE = "openmemory"  # not a superuser: it owns its database, and makes others for tests
EXTENSIONS = ("vector", "btree_gin")

Connect = Callable[[str], "psycopg.Connection[tuple[object, ...]]"]


def set_up(connect: Connect) -> None:
    """Make what is missing. `connect` takes the name of a database and connects as superuser."""
    with connect("postgres") as connection:
        if not _exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", ROLE):
            connection.execute(_statement("CREATE ROLE {} LOGIN CREATEDB", ROLE))
        if not _exists(connection, "SELECT 1 FROM pg_database WHERE datname = %s", DATABASE):
            # The template first: so the databases of tests have the extensions too, which
            # only a superuser may make.
            with connect("template1") as template:
                _update_extensions(template)
            connection.execute(_statement("CREATE DATABASE {} OWNER {}", DATABASE, ROLE))
    with connect(DATABASE) as connection:
        _update_extensions(connection)
        _try_a_vector(connection)


def _update_extensions(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    rows = connection.execute(
        "SELECT name, installed_version FROM pg_available_extensions"
        " WHERE name = ANY(%s) AND installed_version IS DISTINCT FROM default_version",
        [list(EXTENSIONS)],
    ).fetchall()
    for name, installed in rows:
        verb = "CREATE EXTENSION {}" if installed is None else "ALTER EXTENSION {} UPDATE"
        connection.execute(_statement(verb, str(name)))


def _try_a_vector(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Prove that the extension, which was compiled elsewhere, runs on this processor."""
    try:
        connection.execute(
            "SELECT '[1,2,3]'::halfvec(3) <=> '[3,2,1]', '[1,2,3]'::vector <=> '[3,2,1]'"
        )
    except psycopg.OperationalError as error:
        raise ServiceFailed(
            "The embedded PostgreSQL's vector extension does not run on this processor. "
            "Set DATABASE_URL to a PostgreSQL with pgvector that was built for it."
        ) from error


def _exists(connection: psycopg.Connection[tuple[object, ...]], query: str, name: str) -> bool:
    return connection.execute(query.encode(), [name]).fetchone() is not None


def _statement(template: str, *names: str) -> sql.Composed:
    return sql.SQL(template).format(*map(sql.Identifier, names))
