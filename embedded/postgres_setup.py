"""Set up a new PostgreSQL: the server's role, its database and extensions."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
from psycopg import sql

from .errors import ServiceFailed

DATABASE = "openmemory"
ROLE = "openmemory"  # not a superuser: it owns its database, and can create those of tests
EXTENSIONS = ("vector", "btree_gin")

Connect = Callable[[str], "psycopg.Connection[tuple[object, ...]]"]


def set_up_database(connect: Connect) -> None:
    """Create what is missing. `connect` takes a database name and connects as superuser."""
    with connect("postgres") as connection:
        if not _exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", ROLE):
            connection.execute(_statement("CREATE ROLE {} LOGIN CREATEDB", ROLE))
        if not _exists(connection, "SELECT 1 FROM pg_database WHERE datname = %s", DATABASE):
            # The template first, so that the databases of tests have the extensions, too. Only a
            # superuser may create them.
            with connect("template1") as template:
                _update_extensions(template)
            connection.execute(_statement("CREATE DATABASE {} OWNER {}", DATABASE, ROLE))
    with connect(DATABASE) as connection:
        _update_extensions(connection)
        _check_vector_extension(connection)


def _update_extensions(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    rows = connection.execute(
        "SELECT name, installed_version FROM pg_available_extensions"
        " WHERE name = ANY(%s) AND installed_version IS DISTINCT FROM default_version",
        [list(EXTENSIONS)],
    ).fetchall()
    for name, installed in rows:
        verb = "CREATE EXTENSION {}" if installed is None else "ALTER EXTENSION {} UPDATE"
        connection.execute(_statement(verb, str(name)))


def _check_vector_extension(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Check that the precompiled extension runs on this processor."""
    try:
        connection.execute(
            "SELECT '[1,2,3]'::halfvec(3) <=> '[3,2,1]', '[1,2,3]'::vector <=> '[3,2,1]'"
        )
    except psycopg.OperationalError as error:
        raise ServiceFailed(
            "The embedded PostgreSQL's vector extension does not run on this processor. "
            "Set DATABASE_URL to a PostgreSQL with a pgvector built for it."
        ) from error


def _exists(connection: psycopg.Connection[tuple[object, ...]], query: str, name: str) -> bool:
    return connection.execute(query.encode(), [name]).fetchone() is not None


def _statement(template: str, *names: str) -> sql.Composed:
    return sql.SQL(template).format(*map(sql.Identifier, names))
