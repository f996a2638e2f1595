"""An import during which processes are killed is done once, or not at all, and leaves nothing."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psutil
import psycopg
import pytest
import requests

from embedded.state_folder import database_settings
from tests.backups.archive_factory import Original
from tests.deadline import SECONDS, eventually
from tests.jobs.worker_server import WorkerServer, running_server

MEMORIES = 3000
FINISHED = ("succeeded", "failed", "cancelled")

# Which process is killed after which share of an import.
KILLS = [
    *[(("openmemory-long",), share) for share in (0.05, 0.35, 0.65, 0.95)],
    *[(("postgres", "-D"), share) for share in (0.35, 0.95)],
    (("server.all_in_one",), 0.5),
]


@pytest.fixture(scope="module")
def server() -> Iterator[WorkerServer]:
    with running_server(OPENMEMORY_RATE_WRITES="off") as server:
        yield server


@pytest.fixture(scope="module")
def seconds(server: WorkerServer) -> float:
    """How long an import takes that nobody disturbs."""
    user = new_user(server, "nobody-disturbs")
    began = time.monotonic()
    job = enqueue(server, user)
    assert eventually(lambda: state(server, user, job) == "succeeded")
    return time.monotonic() - began


@pytest.mark.parametrize(("words", "share"), KILLS)
def test_an_import_whose_process_is_killed_is_done_once(
    server: WorkerServer, seconds: float, words: tuple[str, ...], share: float
) -> None:
    user = new_user(server, f"{words[-1]}-{share}")
    job = enqueue(server, user)
    time.sleep(share * seconds)

    assert eventually(lambda: server.has_child(*words) or state(server, user, job) in FINISHED)
    if not server.has_child(*words):
        return  # the process of a long job is gone when the job has ended
    victim = server.child(*words)
    for process in [*victim.children(recursive=True), victim]:
        if "long" in words[0] or process == victim:
            kill(process)

    assert eventually(lambda: state(server, user, job) in FINISHED)
    assert_done_once(server, user, job)


@pytest.mark.parametrize("share", [0.35, 0.8])
def test_an_import_during_which_everything_is_killed_is_done_once(
    server: WorkerServer, seconds: float, share: float
) -> None:
    user = new_user(server, f"everything-{share}")
    job = enqueue(server, user)
    time.sleep(share * seconds)

    server.kill_everything()
    server.start()

    assert eventually(lambda: state(server, user, job) in FINISHED)
    assert_done_once(server, user, job)


def assert_done_once(server: WorkerServer, user: dict[str, str], job: str) -> None:
    assert state(server, user, job) == "succeeded"
    assert total(server, user) == MEMORIES
    # Temporary tables are gone with their connections, and after a crash of PostgreSQL in time.
    assert eventually(lambda: staged_tables(server) == 0)
    scratch = server.state_dir / "scratch"
    assert not scratch.exists() or list(scratch.iterdir()) == []


def staged_tables(server: WorkerServer) -> int:
    with psycopg.connect(**connection_parameters(server), autocommit=True) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_class WHERE relname ~ '^(staged|packed|copied|target)_'"
        ).fetchone()
    assert row is not None
    return int(row[0])


def connection_parameters(server: WorkerServer) -> dict[str, Any]:
    settings = database_settings(server.state_dir)
    return {
        "dbname": settings["NAME"], "user": settings["USER"],
        "host": settings["HOST"], "port": settings["PORT"],
    }  # fmt: skip


def kill(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.kill()


def new_user(server: WorkerServer, user_id: str) -> dict[str, str]:
    answer = server.post("/api/v1/users", {"user_id": user_id})
    return {"Authorization": f"Bearer {answer.json()['api_key']}"}


def enqueue(server: WorkerServer, user: dict[str, str]) -> str:
    original = Original("somebody")
    original.entities["memories"] = [
        original.memory(f"Note {number} is about shelf {number * 7919}.")
        for number in range(MEMORIES)
    ]
    original.entities["memory_categories"] = []
    original.entities["status_history"] = []
    answer = requests.post(
        f"{server.url}/api/v1/backup/import",
        files={"file": ("archive.zip", io.BytesIO(original.zipped()))},
        headers={**user, "Prefer": "respond-async"},
        timeout=SECONDS,
    )
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def state(server: WorkerServer, user: dict[str, str], job: str) -> str:
    body = get(server, user, f"/jobs/{job}")
    return str(body["state"]) if body else ""


def total(server: WorkerServer, user: dict[str, str]) -> int:
    body = get(server, user, "/memories?page_size=1")
    return int(body["total"]) if body else -1


def get(server: WorkerServer, user: dict[str, str], path: str) -> dict[str, Any] | None:
    """The body of a response, None while the server recovers."""
    try:
        answer = requests.get(f"{server.url}/api/v1{path}", headers=user, timeout=SECONDS)
    except requests.ConnectionError:
        return None
    return answer.json() if answer.status_code == 200 else None
