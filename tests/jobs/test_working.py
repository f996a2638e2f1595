"""Real workers, and what befalls them: every job ends once, with its effects once."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis

from openmemory.embedded.state import VALKEY_SOCKET, socket_folder
from tests.run.server import Server, eventually


class Works(Server):
    """A server that runs the jobs of `tests.jobs.effects`."""

    def __init__(self, state_dir: Path) -> None:
        super().__init__(
            state_dir,
            DJANGO_SETTINGS_MODULE="tests.jobs.settings",
            OPENMEMORY_WEB_PROCESSES="1",
            OPENMEMORY_LONG_JOBS_NICENESS="0",
            OPENMEMORY_JOBS_LEASE_SECONDS="4",
            OPENMEMORY_JOBS_SWEEP_SECONDS="1",
        )

    def queue(self, gate: Path, kind: str = "trace") -> str:
        answer = self.post("/effects", {"kind": kind, "parameters": {"gate": str(gate)}})
        assert answer.status_code == 202, answer.text
        return answer.json()["id"]

    def job(self, job_id: str) -> dict[str, Any]:
        return self.get(f"/api/v1/jobs/{job_id}").json()

    def effects(self) -> list[str]:
        return self.get("/effects").json()

    def has_succeeded(self, job_id: str) -> bool:
        return self.job(job_id)["state"] == "succeeded"

    def postgres(self) -> psutil.Process:
        return self.child("postgres", "-D")

    def broker(self) -> redis.Redis:
        path = socket_folder(self.state_dir, "valkey") / VALKEY_SOCKET
        return redis.Redis(unix_socket_path=str(path))


@pytest.fixture(scope="module")
def works() -> Iterator[Works]:
    server = Works(Path(tempfile.mkdtemp(prefix="om-")))
    try:
        server.start()
        assert server.effects() == []  # which makes the table, too
        yield server
    finally:
        server.kill_everything()
        shutil.rmtree(server.state_dir)


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """What jobs wait at, once they have begun, until it is opened."""
    return tmp_path


def begun(gate: Path, job_id: str, attempt: int = 1) -> bool:
    return eventually(lambda: (gate / f"{job_id}-{attempt}").exists())


def open_up(gate: Path) -> None:
    (gate / "open").touch()


@contextmanager
def halted(process: psutil.Process) -> Iterator[None]:
    process.suspend()
    try:
        yield
    finally:
        process.resume()


@pytest.mark.parametrize(("kind", "lane"), [("trace", "quick"), ("long trace", "long")])
def test_a_job_whose_worker_is_killed_is_done_by_the_next_one(
    works: Works, gate: Path, kind: str, lane: str
) -> None:
    job = works.queue(gate, kind)
    assert begun(gate, job)
    worker = works.child("openmemory.working", lane)
    family = [worker, *worker.children(recursive=True)]

    worker.kill()

    _, alive = psutil.wait_procs(family, 10)
    assert alive == []
    open_up(gate)
    assert eventually(lambda: works.has_succeeded(job))
    assert works.job(job)["result"] == {"attempt": 2}
    assert works.effects().count(job) == 1


def test_a_process_of_a_worker_that_is_killed_is_replaced(works: Works, gate: Path) -> None:
    job = works.queue(gate, "long trace")
    assert begun(gate, job)

    works.child("openmemory.working", "long").children()[0].kill()

    assert begun(gate, job, attempt=2)
    open_up(gate)
    assert eventually(lambda: works.has_succeeded(job))
    assert works.effects().count(job) == 1


def test_a_broker_that_is_emptied_loses_no_job(works: Works, gate: Path) -> None:
    open_up(gate)
    with halted(works.child("openmemory.working", "quick")):
        jobs = [works.queue(gate) for _ in range(5)]

        works.broker().flushall()

    assert eventually(lambda: all(works.has_succeeded(job) for job in jobs))
    assert all(works.effects().count(job) == 1 for job in jobs)


def test_a_broker_that_does_not_answer_delays_jobs_and_no_request(works: Works, gate: Path) -> None:
    open_up(gate)
    with halted(works.child("valkey-server")):
        began = time.monotonic()
        jobs = [works.queue(gate) for _ in range(10)]
        took = time.monotonic() - began

    # How long a broker takes to say that it is away is not promised: it may be for ever.
    assert took < 30
    assert eventually(lambda: all(works.has_succeeded(job) for job in jobs))
    assert all(works.effects().count(job) == 1 for job in jobs)


def test_a_database_that_is_killed_in_the_middle_of_a_job_does_it_no_harm(
    works: Works, gate: Path
) -> None:
    job = works.queue(gate)
    assert begun(gate, job)

    works.postgres().kill()

    open_up(gate)
    assert eventually(works.is_ready)
    assert eventually(lambda: works.has_succeeded(job))
    assert works.effects().count(job) == 1


def test_a_job_that_runs_is_cancelled_when_it_next_tells_how_far_it_is(
    works: Works, gate: Path
) -> None:
    job = works.queue(gate)
    assert begun(gate, job)

    answer = works.post(f"/api/v1/jobs/{job}/cancel", {})

    assert answer.json()["state"] == "running"
    assert eventually(lambda: works.job(job)["state"] == "cancelled")
    assert works.effects().count(job) == 0


def test_a_worker_that_is_stopped_hands_its_jobs_to_the_next_one(works: Works, gate: Path) -> None:
    job = works.queue(gate, "long trace")
    assert begun(gate, job)
    (gate / f"{job}-1").unlink()

    worker = works.child("openmemory.working", "long")
    worker.terminate()

    assert eventually(lambda: not worker.is_running())
    assert begun(gate, job)  # as its first attempt again: it is not its fault
    open_up(gate)
    assert eventually(lambda: works.has_succeeded(job))
    assert works.effects().count(job) == 1
