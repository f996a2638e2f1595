from __future__ import annotations

import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
import pytest
import requests
from django.conf import settings

from embedded.state_folder import broker_url, socket_folder
from tests.deadline import SECONDS, eventually

from .processes import Server


@pytest.fixture(scope="module")
def is_new() -> bool:
    return True


def said_by(process: subprocess.Popen[str]) -> tuple[int, str]:
    output, _ = process.communicate(timeout=SECONDS)
    return process.returncode, output


def answers(server: Server) -> bool:
    with suppress(requests.ConnectionError):
        return requests.get(f"{server.url}/health/live", timeout=SECONDS).ok
    return False


def supervisor(server: Server) -> int:
    assert server.process is not None
    return server.process.pid


def test_a_server_that_started_says_where_it_is_and_with_which_key(server: Server) -> None:
    for line in (
        f"  API            {server.url}/api/v1\n",
        f"  Documentation  {server.url}/docs\n",
        "  User           alice (an operator)\n",
        f"  API key        cat {server.state_dir}/api_key\n",
        f"  State          {server.state_dir}\n",
    ):
        assert line in server.said
    me = server.get("/api/v1/users/me").json()
    assert (me["user_id"], me["is_operator"]) == ("alice", True)


def test_what_it_keeps_is_its_owners_alone(server: Server) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in server.state_dir.iterdir()}

    assert server.state_dir.stat().st_mode & 0o777 == 0o700
    assert all(mode & 0o077 == 0 for mode in modes.values()), modes
    assert modes["api_key"] == modes["secret_key"] == 0o600


def test_a_restarted_server_has_everything_and_the_same_key(server: Server) -> None:
    key = server.key
    assert server.post("/api/v1/users", {"user_id": "bob"}).status_code == 201

    assert server.end(signal.SIGTERM) == 0
    server.start()

    assert server.key == key
    assert server.post("/api/v1/users", {"user_id": "bob"}).status_code == 409


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_server_that_is_told_to_stop_stops_everything(
    server: Server, number: signal.Signals
) -> None:
    assert server.end(number) == 0

    server.wait_for("Stopped.")
    assert server.tree() == []
    log = (server.state_dir / "log" / "postgres.log").read_text()
    assert log.rstrip().endswith("database system is shut down")


def test_a_server_that_is_told_to_stop_before_it_says_that_it_runs_stops_as_well(
    server: Server,
) -> None:
    assert server.end(signal.SIGTERM) == 0
    starting = server.manage("run")
    try:
        assert eventually(lambda: answers(server))
        starting.send_signal(signal.SIGTERM)

        status, said = said_by(starting)
    finally:
        starting.kill()

    assert status == 0, said
    assert said.endswith("Stopping …\nStopped.\n")
    assert server.tree() == []


def test_a_request_in_hand_is_answered_before_a_server_stops(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(
            b"POST /api/v1/users HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n"
        )
        assert server.process is not None
        server.process.send_signal(signal.SIGTERM)
        server.wait_for("Stopping")
        client.sendall(b"{}")

        assert client.recv(1024).startswith(b"HTTP/1.1 401 ")

    assert server.process.wait(SECONDS) == 0


def test_slow_clients_hold_up_nobody(server: Server) -> None:
    """Whoever is slow to say what they want, to say it all, or to say anything."""
    post = (
        "POST /api/v1/memories HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: application/json\r\nAuthorization: Bearer {server.key}\r\n"
    )
    beginnings = (
        b"GET /health/live HT",
        f"{post}Content-Length: 1000\r\n\r\n{{".encode(),
        b"",
    )
    with ExitStack() as stack:
        for beginning in beginnings * 30:  # more than there are connections to the database
            client = socket.create_connection(("127.0.0.1", server.port))
            stack.enter_context(client).sendall(beginning)

        # Often enough for the server to have met them all.
        assert {server.get("/api/v1/users/me").status_code for _ in range(50)} == {200}


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(
            ("-m", "server.all_in_one"), id="the parent of the web processes and the worker"
        ),
        pytest.param(("openmemory-jobs",), id="the worker"),
        pytest.param(("valkey-server",), id="valkey"),
        pytest.param(("postgres", "-D"), id="postgres"),
        pytest.param(("postgres:", "checkpointer"), id="a process of postgres"),
    ],
)
def test_a_process_that_is_killed_is_started_again(server: Server, words: tuple[str, ...]) -> None:
    pid = supervisor(server)
    victim = server.child(*words)

    victim.kill()
    assert eventually(lambda: not victim.is_running())

    assert eventually(lambda: server.has_child(*words))
    assert eventually(server.is_ready)
    assert supervisor(server) == pid


def test_a_web_worker_that_is_killed_is_started_again(server: Server) -> None:
    master = server.child("-m", "server.all_in_one")

    def workers() -> list[psutil.Process]:
        return [child for child in master.children() if child.name() == "openmemory-web"]

    before = workers()
    before[0].kill()
    assert eventually(lambda: not before[0].is_running())

    assert eventually(lambda: len(workers()) == len(before))
    assert eventually(server.is_ready)


def test_a_request_after_the_database_was_killed_fails_at_nothing(server: Server) -> None:
    assert server.get("/api/v1/users/me").status_code == 200

    server.child("postgres", "-D").kill()
    assert eventually(server.is_ready)

    assert {server.get("/api/v1/users/me").status_code for _ in range(5)} == {200}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the next start ends the others")
def test_a_supervisor_that_is_killed_takes_the_others_with_it(server: Server) -> None:
    assert server.end(signal.SIGKILL) == -signal.SIGKILL

    assert eventually(lambda: server.tree() == [])


def test_after_everything_was_killed_the_next_start_needs_no_hand(server: Server) -> None:
    key = server.key
    server.kill_everything()

    server.start()

    assert eventually(server.is_ready)
    assert server.key == key


def test_a_supervisor_that_is_killed_can_be_started_again_at_once(server: Server) -> None:
    server.end(signal.SIGKILL)

    server.start()

    assert eventually(server.is_ready)


def test_a_second_server_says_that_one_is_running(server: Server) -> None:
    status, said = said_by(server.manage("run"))

    assert status == 1
    assert said == (
        f"The server is already running: process {supervisor(server)}, at {server.url}.\n"
    )


def test_a_command_uses_the_services_of_a_running_server(server: Server) -> None:
    status, key = said_by(server.manage("create_api_key", "carol", "--create-user"))

    assert status == 0
    me = requests.get(
        f"{server.url}/api/v1/users/me",
        headers={"Authorization": f"Bearer {key.strip()}", "Connection": "close"},
        timeout=SECONDS,
    )
    assert me.json()["user_id"] == "carol"


def test_a_revoked_key_is_replaced_at_the_next_start(server: Server) -> None:
    key = server.key
    revoke = "from accounts.models import ApiKey as K; [k.revoke() for k in K.objects.all()]"
    assert said_by(server.manage("shell", "-v", "0", "-c", revoke)) == (0, "")
    assert server.get("/api/v1/users/me").status_code == 401

    server.end(signal.SIGTERM)
    server.start()

    assert server.key != key
    assert server.get("/api/v1/users/me").status_code == 200


def test_a_server_that_was_given_services_starts_none(state_dir: Path) -> None:
    sockets = str(socket_folder(settings.STATE_DIR, "postgres")).replace("/", "%2F")
    server = Server(
        state_dir,
        DATABASE_URL=f"postgresql://openmemory@{sockets}/openmemory?application_name=mine",
        REDIS_URL=broker_url(settings.STATE_DIR),
    )

    server.start()
    try:
        assert eventually(server.is_ready)
        names = {process.name() for process in server.tree()}
        assert names.isdisjoint({"postgres", "valkey-server"})
        assert not (state_dir / "postgres").exists()
        assert not (state_dir / "valkey").exists()
    finally:
        assert server.end(signal.SIGINT) == 0


def test_a_taken_port_is_told_before_anything_starts(state_dir: Path) -> None:
    server = Server(state_dir)
    with socket.create_server(("127.0.0.1", server.port)):
        status, said = said_by(server.manage("run"))

    assert status == 1
    assert said == (
        f"Another program uses port {server.port} of 127.0.0.1. "
        f"Choose another port, such as PORT={server.port + 1}.\n"
    )
    assert sorted(path.name for path in state_dir.iterdir()) == ["secret_key", "services.lock"]


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PORT", "http", "PORT='http' is not a whole number."),
        ("DATABASE_URL", "mysql://u:secret@host/x", "DATABASE_URL is not a PostgreSQL URL"),
        ("DATABASE_URL", "postgresql://u:secret@127.0.0.1:1/x", "The database is not usable"),
        ("USER", "two words", "USER='two words' is not a valid user id."),
        ("USER", "x" * 256, "at most 255 characters"),
    ],
)
def test_a_wrong_setting_is_told_in_a_sentence(
    state_dir: Path, name: str, value: str, sentence: str
) -> None:
    status, said = said_by(Server(state_dir, **{name: value}).manage("run"))

    assert status == 1
    assert sentence in said
    assert "Traceback" not in said
    assert "secret" not in said
