"""Servers of a release go on while the database is brought to the next one, and after.

`released.json` names the last migrations of each release and what later ones change of what is
there, each with its reason. The folder of its name has the statements that its code sent:
`before.sql` before the upgrade, `after.sql` after it, from a server that has not been replaced yet.
`record.py` made them.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from psycopg import sql

from embedded.state_folder import broker_url, database_settings
from tests.deadline import SECONDS

HERE = Path(__file__).parent
RELEASED = json.loads((HERE / "released.json").read_text())

MIGRATE = """
import json, sys
import django; django.setup()
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
executor = MigrationExecutor(connection)
executor.migrate([tuple(target) for target in json.loads(sys.argv[1])])
"""

COLUMNS = """
SELECT table_name, column_name, data_type, is_nullable = 'NO' AND column_default IS NULL
AND is_identity = 'NO' AND is_generated = 'NEVER' AS needed
FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'django_migrations'
"""


class Database:
    """An empty database of a test's own, and the server's commands on it."""

    def __init__(self, name, folder):
        self.name, self.folder = name, folder
        said = database_settings(settings.STATE_DIR)
        self._to = {"host": said["HOST"], "port": said["PORT"], "user": said["USER"]}

    def connect(self, name=None):
        return psycopg.connect(dbname=name or self.name, autocommit=True, **self._to)

    def make(self):
        self.drop()
        with self.connect("openmemory") as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(self.name)))

    def drop(self):
        name = sql.Identifier(self.name)
        with self.connect("openmemory") as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))

    def run(self, *command):
        sockets = self._to["host"].replace("/", "%2F")
        ended = subprocess.run(
            [sys.executable, *command],
            cwd=settings.BASE_DIR,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "openmemory.settings",
                "OPENMEMORY_STATE_DIR": str(self.folder),
                "DATABASE_URL": f"postgresql://openmemory@{sockets}/{self.name}",
                "REDIS_URL": broker_url(settings.STATE_DIR),
            },
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def send(self, path):
        """Send the statements of a release, as its code did, each for itself."""
        with self.connect() as connection:
            for statement in path.read_text().splitlines():
                connection.execute(statement)

    def columns(self):
        with self.connect() as connection:
            rows = connection.execute(COLUMNS).fetchall()
        return {(table, column): (kind, needed) for table, column, kind, needed in rows}

    def rows(self, columns):
        """All that stands in these columns, by table, in one order."""
        tables = {}
        for table, column in sorted(columns):
            tables.setdefault(table, []).append(column)
        return {table: self._read(table, names) for table, names in tables.items()}

    def _read(self, table, names):
        listed = sql.SQL(", ").join(map(sql.Identifier, names))
        query = sql.SQL("SELECT ({})::text FROM {} ORDER BY 1").format(
            sql.SQL("ROW({})").format(listed), sql.Identifier(table)
        )
        with self.connect() as connection:
            return [row[0] for row in connection.execute(query)]


# Django's own lists of models, to which a release adds its own.
LISTS = {"django_content_type", "auth_permission"}


@pytest.fixture(scope="module", params=RELEASED)
def upgraded(request, tmp_path_factory):
    """A database of a release, with what it wrote there, before and after it is migrated."""
    release = request.param
    found = Database(f"upgrade_{release.replace('-', '_')}", tmp_path_factory.mktemp("state"))
    found.make()
    found.release = HERE / release
    found.run("-c", MIGRATE, json.dumps(list(RELEASED[release]["last migrations"].items())))
    found.send(found.release / "before.sql")
    found.columns_before = found.columns()
    on_purpose = RELEASED[release]["columns that were changed on purpose"]
    found.kept = {
        (table, column)
        for table, column in found.columns_before
        if table not in LISTS and f"{table}.{column}" not in on_purpose
    }
    found.rows_before = found.rows(found.kept)
    found.run("manage.py", "migrate", "--no-input")
    found.rows_after = found.rows(found.kept)
    yield found
    found.drop()


def test_nothing_that_was_there_is_lost_or_changed(upgraded):
    assert len(upgraded.rows_before["memories_memory"]) == 4

    assert upgraded.rows_after == upgraded.rows_before


def test_every_column_is_still_there_and_of_its_type(upgraded):
    now = upgraded.columns()

    gone = {
        place: kind
        for place, (kind, _) in upgraded.columns_before.items()
        if place not in now or now[place][0] != kind
    }
    assert gone == {}


def test_no_column_was_added_that_has_to_be_named(upgraded):
    tables = {table for table, _ in upgraded.columns_before}

    needed = {
        place
        for place, (_, is_needed) in upgraded.columns().items()
        if is_needed and place[0] in tables and not upgraded.columns_before.get(place, ("", 0))[1]
    }
    assert needed == set(), "Give these a default in the database: db_default."


def test_servers_of_the_release_go_on_writing_and_the_new_one_reads_it(upgraded, tmp_path):
    upgraded.send(upgraded.release / "after.sql")

    with upgraded.connect() as connection:
        counted = "SELECT count(*) FROM memories_memory m JOIN accounts_user u ON u.id = m.user_id"
        assert connection.execute(f"{counted} WHERE u.user_id = 'bea'").fetchone() == (4,)
    archive = tmp_path / "bea.zip"
    upgraded.run("manage.py", "export_backup", "bea", "--output", str(archive))
    assert archive.stat().st_size > 1000
