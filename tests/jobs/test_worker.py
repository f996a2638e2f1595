"""Real workers, and what befalls them: every job ends once, with its effects once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.deadline import SECONDS, eventually
from tests.jobs.worker_server import WorkerServer, has_started, open_gate, running_server, suspended


@pytest.fixture(scope="module")
def server() -> Iterator[WorkerServer]:
    with running_server() as server:
        yield server


@pytest.mark.parametrize(("kind", "name"), [("trace", "jobs"), ("long trace", "long")])
def test_a_job_whose_worker_is_killed_is_done_by_the_next_one(
    server: WorkerServer, gate: Path, kind: str, name: str
) -> None:
    job = server.enqueue(gate, kind)
    assert has_started(gate, job)
    worker = server.child(f"openmemory-{name}")
    family = [worker, *worker.children(recursive=True)]

    worker.kill()

    _, alive = psutil.wait_procs(family, 10)
    assert alive == []
    open_gate(gate)
    assert eventually(lambda: server.has_succeeded(job))
    assert server.job(job)["result"] == {"attempt": 2}
    assert server.effects().count(job) == 1


def test_a_process_of_a_worker_that_is_killed_is_replaced(server: WorkerServer, gate: Path) -> None:
    job = server.enqueue(gate, "long trace")
    assert has_started(gate, job)

    server.child("openmemory-long").kill()

    assert has_started(gate, job, attempt=2)
    open_gate(gate)
    assert eventually(lambda: server.has_succeeded(job))
    assert server.effects().count(job) == 1


def test_a_broker_that_is_emptied_loses_no_job(server: WorkerServer, gate: Path) -> None:
    open_gate(gate)
    with suspended(server.child("openmemory-jobs")):
        jobs = [server.enqueue(gate) for _ in range(5)]

        server.broker().flushall()

    assert eventually(lambda: server.have_succeeded(jobs))
    assert all(server.effects().count(job) == 1 for job in jobs)


def test_a_broker_that_does_not_answer_delays_jobs_and_no_request(
    server: WorkerServer, gate: Path
) -> None:
    open_gate(gate)
    with suspended(server.child("valkey-server")):
        began = time.monotonic()
        jobs = [server.enqueue(gate) for _ in range(10)]
        took = time.monotonic() - began

    # How long a broker takes to say that it is away is not promised: it may be for ever.
    assert took < SECONDS
    assert eventually(lambda: server.have_succeeded(jobs))
    assert all(server.effects().count(job) == 1 for job in jobs)


def test_a_database_that_is_killed_in_the_middle_of_a_job_does_it_no_harm(
    server: WorkerServer, gate: Path
) -> None:
    job = server.enqueue(gate)
    assert has_started(gate, job)

    server.postgres().kill()

    open_gate(gate)
    assert eventually(server.is_ready)
    assert eventually(lambda: server.has_succeeded(job))
    assert server.effects().count(job) == 1


def test_a_job_that_runs_is_cancelled_when_it_next_tells_how_far_it_is(
    server: WorkerServer, gate: Path
) -> None:
    job = server.enqueue(gate)
    assert has_started(gate, job)

    answer = server.post(f"/api/v1/jobs/{job}/cancel", {})

    assert answer.json()["state"] == "running"
    assert eventually(lambda: server.job(job)["state"] == "cancelled")
    assert server.effects().count(job) == 0


@pytest.mark.parametrize(("kind", "name"), [("trace", "jobs"), ("long trace", "long")])
def test_a_worker_that_is_stopped_hands_its_jobs_to_the_next_one(
    server: WorkerServer, gate: Path, kind: str, name: str
) -> None:
    job = server.enqueue(gate, kind)
    assert has_started(gate, job)
    (gate / f"{job}-1").unlink()

    worker = server.child(f"openmemory-{name}")
    worker.terminate()

    assert eventually(lambda: not worker.is_running())
    assert has_started(gate, job)  # as its first attempt again: it is not its fault
    open_gate(gate)
    assert eventually(lambda: server.has_succeeded(job))
    assert server.effects().count(job) == 1


def test_quick_jobs_do_not_wait_for_long_ones(server: WorkerServer, gate: Path) -> None:
    long_jobs = [server.enqueue(gate, "long trace") for _ in range(6)]  # more than threads
    assert has_started(gate, long_jobs[0])

    quick = server.enqueue(gate)

    assert has_started(gate, quick)
    assert server.job(long_jobs[0])["state"] == "running"
    open_gate(gate)
    assert eventually(lambda: server.have_succeeded([quick, *long_jobs]))
