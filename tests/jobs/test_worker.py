"""Real workers, and what befalls them: every job ends once, with its effects once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.deadline import SECONDS, eventually
from tests.jobs.job_types import Works, begun, halted, open_up, works_with


@pytest.fixture(scope="module")
def works() -> Iterator[Works]:
    with works_with() as server:
        yield server


@pytest.mark.parametrize(("kind", "lane"), [("trace", "quick"), ("long trace", "long")])
def test_a_job_whose_worker_is_killed_is_done_by_the_next_one(
    works: Works, gate: Path, kind: str, lane: str
) -> None:
    job = works.queue(gate, kind)
    assert begun(gate, job)
    worker = works.child("server.worker", lane)
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

    works.child("server.worker", "long").children()[0].kill()

    assert begun(gate, job, attempt=2)
    open_up(gate)
    assert eventually(lambda: works.has_succeeded(job))
    assert works.effects().count(job) == 1


def test_a_broker_that_is_emptied_loses_no_job(works: Works, gate: Path) -> None:
    open_up(gate)
    with halted(works.child("server.worker", "quick")):
        jobs = [works.queue(gate) for _ in range(5)]

        works.broker().flushall()

    assert eventually(lambda: works.have_succeeded(jobs))
    assert all(works.effects().count(job) == 1 for job in jobs)


def test_a_broker_that_does_not_answer_delays_jobs_and_no_request(works: Works, gate: Path) -> None:
    open_up(gate)
    with halted(works.child("valkey-server")):
        began = time.monotonic()
        jobs = [works.queue(gate) for _ in range(10)]
        took = time.monotonic() - began

    # How long a broker takes to say that it is away is not promised: it may be for ever.
    assert took < SECONDS
    assert eventually(lambda: works.have_succeeded(jobs))
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

    worker = works.child("server.worker", "long")
    worker.terminate()

    assert eventually(lambda: not worker.is_running())
    assert begun(gate, job)  # as its first attempt again: it is not its fault
    open_up(gate)
    assert eventually(lambda: works.has_succeeded(job))
    assert works.effects().count(job) == 1
