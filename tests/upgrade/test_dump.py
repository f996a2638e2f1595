"""An upgrade of the embedded database writes a dump before, and can be taken back."""

from __future__ import annotations

import json
import signal
import stat

import pytest

from core import disk
from embedded.errors import ServiceFailed
from embedded.state_folder import list_dumps
from server import database_dump
from tests.server.processes import Server


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path / "state", OPENMEMORY_WEB_PROCESSES="1")
    yield server
    if server.process is not None:
        server.kill_everything()


def test_an_upgrade_can_be_taken_back(server):
    server.start()
    assert list_dumps(server.state_dir) == []  # of a new database
    remember(server, "Before")
    server.end(signal.SIGINT)
    server.output_of("migrate", "configuration", "0001")
    pending = json.loads(server.output_of("upgrade", "--json"))
    assert [name.partition("_")[0] for name in pending["migrations"]] == ["configuration.0002"]

    server.start()
    remember(server, "After")
    [dump] = list_dumps(server.state_dir)
    assert stat.S_IMODE(dump.stat().st_mode) == 0o600
    refused = server.manage("upgrade", "--restore", "latest")
    assert "Stop the server first" in refused.communicate()[0]
    server.end(signal.SIGINT)
    written = json.loads(server.output_of("upgrade", "--dump", "--json"))["written"]
    restored = json.loads(server.output_of("upgrade", "--restore", str(dump), "--json"))
    assert (restored["ok"], restored["restored"]) == (True, str(dump)), written

    assert json.loads(server.output_of("upgrade", "--json"))["migrations"] == pending["migrations"]
    server.start()
    contents = [memory["content"] for memory in server.get("/api/v1/memories").json()["items"]]
    assert contents == ["Before"]
    server.end(signal.SIGINT)


def remember(server, text):
    assert server.post("/api/v1/memories", {"text": text, "infer": False}).status_code == 200


@pytest.mark.django_db
def test_a_dump_needs_room(monkeypatch):
    monkeypatch.setattr(disk, "free_bytes", lambda _: 1)

    with pytest.raises(ServiceFailed, match="OPENMEMORY_DUMP_BEFORE_UPGRADE=0"):
        database_dump.dump_database()


@pytest.mark.django_db
def test_a_file_that_is_no_dump_changes_nothing(tmp_path):
    file = tmp_path / "x.dump"
    file.write_text("Not a dump.")

    with pytest.raises(ServiceFailed, match="pg_restore"):
        database_dump.restore_dump(file)
