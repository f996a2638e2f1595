from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from embedded import processes
from embedded.errors import ServiceFailed
from embedded.postgres import Postgres
from embedded.state_folder import database_settings
from tests.deadline import SECONDS

from .conftest import bring_up


def query(postgres: Postgres, statement: str) -> list[tuple[object, ...]]:
    where = database_settings(postgres.folder.parent)
    with psycopg.connect(
        host=where["HOST"], port=where["PORT"], user=where["USER"], dbname=where["NAME"]
    ) as opened:
        cursor = opened.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def running(postgres: Postgres) -> bool:
    return bool(processes.leftovers(postgres.folder, postgres.process_names))


@pytest.mark.django_db
def test_the_database_of_the_tests_is_an_embedded_postgresql_with_its_extensions() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT extname FROM pg_extension ORDER BY extname")
        assert cursor.fetchall() == [("btree_gin",), ("plpgsql",), ("vector",)]


@pytest.mark.django_db
def test_full_text_tells_letters_from_punctuation_beyond_ascii() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tsvector_to_array(to_tsvector('simple', 'café—bar «zürich»…'))")
        assert cursor.fetchone() == (["bar", "café", "zürich"],)


def test_a_new_database_is_ready_for_the_server(postgres: Postgres) -> None:
    shown = query(
        postgres,
        "SELECT current_database()::text, current_user::text, usesuper, datcollate, datlocale,"
        " pg_encoding_to_char(encoding)::text, current_setting('data_checksums')"
        " FROM pg_user, pg_database WHERE usename = current_user AND datname = current_database()",
    )

    assert shown == [("openmemory", "openmemory", False, "C", "C.UTF-8", "UTF8", "on")]


def test_it_listens_on_a_unix_socket_only_that_others_cannot_reach(postgres: Postgres) -> None:
    assert postgres.folder.stat().st_mode & 0o777 == 0o700
    with psycopg.connect(host=str(postgres.sockets), user="postgres") as opened:
        assert opened.execute("SHOW listen_addresses").fetchone() == ("",)


def test_what_was_stored_is_there_after_a_restart(postgres: Postgres) -> None:
    query(postgres, "CREATE TABLE kept AS SELECT '[1,2]'::vector AS value")

    postgres.stop()
    assert not running(postgres)
    bring_up(postgres)

    assert query(postgres, "SELECT value::text FROM kept") == [("[1,2]",)]


def test_what_was_stored_is_there_after_kill_9(postgres: Postgres) -> None:
    query(postgres, "CREATE TABLE survived AS SELECT 1 AS value")

    assert postgres.process is not None
    postgres.process.kill()
    postgres.process.wait()
    bring_up(postgres)

    assert query(postgres, "SELECT value FROM survived") == [(1,)]


def test_a_stale_pid_file_that_names_a_living_process_is_not_believed(postgres: Postgres) -> None:
    postgres.stop()
    # The PostgreSQL of all tests, which runs as the same user, so that the number looks right.
    other = (settings.STATE_DIR / "postgres" / "data" / "postmaster.pid").read_text()
    (postgres.data / "postmaster.pid").write_text(other)
    (postgres.sockets / ".s.PGSQL.5432.lock").write_text(other)

    bring_up(postgres)

    assert postgres.answers()


def test_an_orphan_is_ended_before_its_successor_starts(postgres: Postgres) -> None:
    successor = Postgres(postgres.folder.parent, durable=False)

    try:
        bring_up(successor)
        assert postgres.process is not None
        assert postgres.process.wait(timeout=SECONDS) == 0
        assert successor.answers()
    finally:
        successor.stop()


def test_of_the_orphans_only_the_postmaster_is_asked_to_end(postgres: Postgres) -> None:
    assert postgres.process is not None

    asked = [p.pid for p in processes.main_leftovers(postgres.folder, postgres.process_names)]

    assert asked == [postgres.process.pid]
    assert len(processes.leftovers(postgres.folder, postgres.process_names)) > 1


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the next start ends it")
def test_it_ends_with_the_process_that_started_it(state_dir: Path) -> None:
    starts = (
        "import sys, time; from pathlib import Path;"
        "from embedded.postgres import Postgres;"
        "postgres = Postgres(Path(sys.argv[1]), durable=False); postgres.start(); postgres.wait();"
        "print('ready', flush=True); time.sleep(6000)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", starts, str(state_dir)],
        cwd=settings.BASE_DIR,
        stdout=subprocess.PIPE,
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"ready\n"

    parent.kill()
    parent.communicate()

    postgres = Postgres(state_dir, durable=False)
    assert processes.wait_until_gone(SECONDS, postgres.folder, postgres.process_names)


def test_a_data_folder_that_was_left_half_made_is_made_anew(state_dir: Path) -> None:
    postgres = Postgres(state_dir, durable=False)
    half = postgres.folder / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18")

    try:
        bring_up(postgres)
        assert postgres.answers()
    finally:
        postgres.stop()


def test_data_of_another_major_release_is_refused(postgres: Postgres) -> None:
    postgres.stop()
    release = postgres.data / "PG_VERSION"
    ours = release.read_text()

    release.write_text("17\n")
    try:
        with pytest.raises(ServiceFailed, match=r"is of PostgreSQL 17, but this is .* 18\."):
            postgres.start()
    finally:
        release.write_text(ours)


def test_a_start_that_fails_shows_the_end_of_its_log(postgres: Postgres) -> None:
    postgres.stop()
    configuration = postgres.data / "postgresql.conf"
    ours = configuration.read_text()

    configuration.write_text("no_such_setting = 1\n")
    try:
        postgres.start()
        with pytest.raises(ServiceFailed, match="no_such_setting"):
            postgres.wait()
    finally:
        configuration.write_text(ours)


def test_a_folder_that_cannot_be_written_is_told_with_what_initdb_said(state_dir: Path) -> None:
    postgres = Postgres(state_dir, durable=False)
    postgres.folder.mkdir(mode=0o700)
    (postgres.folder / "data.new").write_text("a file where a folder has to be")

    with pytest.raises(ServiceFailed, match=r"could not create its data folder:\n.*initdb: error"):
        postgres.start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_started_by_root_it_is_somebody_else_who_may_read_everything(postgres: Postgres) -> None:
    assert postgres.process is not None
    status = Path(f"/proc/{postgres.process.pid}/status").read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    read_and_search_only = 1 << 2

    assert fields["Uid"].split()[0] == str(postgres.data.stat().st_uid) != "0"
    assert int(fields["CapEff"], 16) & ~read_and_search_only == 0
    assert fields["NoNewPrivs"] == "1"
    assert postgres.folder.parent.stat().st_uid == 0


def test_ctrl_c_on_a_terminal_does_not_reach_it(postgres: Postgres) -> None:
    assert postgres.process is not None
    assert os.getpgid(postgres.process.pid) != os.getpgid(0)
    assert os.getsid(postgres.process.pid) != os.getsid(0)


def test_one_that_does_not_obey_is_killed(postgres: Postgres) -> None:
    assert postgres.process is not None
    os.kill(postgres.process.pid, signal.SIGSTOP)

    postgres.stop(urgent=lambda: True)

    assert processes.wait_until_gone(SECONDS, postgres.folder, postgres.process_names)
