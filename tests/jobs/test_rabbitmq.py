"""Workers whose messages go over a real RabbitMQ: without it, none of them would be woken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deadline import eventually
from tests.jobs.rabbitmq import RabbitMQ, program
from tests.jobs.worker_server import WorkerServer, has_started, open_gate, running_server

pytestmark = pytest.mark.skipif(
    program() is None, reason="RabbitMQ is not installed: on Debian, apt install rabbitmq-server."
)


@pytest.fixture(scope="module")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMQ]:
    broker = RabbitMQ(tmp_path_factory.mktemp("rabbitmq"))
    try:
        broker.start()
        yield broker
    finally:
        broker.end()


@pytest.fixture(scope="module")
def server(rabbitmq: RabbitMQ) -> Iterator[WorkerServer]:
    with running_server(CELERY_BROKER_URL=rabbitmq.url) as server:
        yield server


def test_jobs_are_done_and_those_of_a_killed_worker_by_the_next_one(
    server: WorkerServer, gate: Path
) -> None:
    jobs = [server.enqueue(gate), server.enqueue(gate, "long trace")]
    assert all(has_started(gate, job) for job in jobs)

    for name in ("openmemory-jobs", "openmemory-long"):
        server.child(name).kill()

    assert all(has_started(gate, job, attempt=2) for job in jobs)
    open_gate(gate)
    assert eventually(lambda: server.have_succeeded(jobs))
    assert sorted(server.effects()) == sorted(jobs)


def test_a_broker_that_is_killed_and_comes_back_has_every_job_done_once(
    server: WorkerServer, rabbitmq: RabbitMQ, gate: Path
) -> None:
    running = server.enqueue(gate)
    assert has_started(gate, running)

    rabbitmq.kill()
    waiting = [server.enqueue(gate, kind) for kind in ("trace", "long trace") * 3]
    assert server.job(waiting[0])["state"] in ("queued", "running")
    open_gate(gate)
    assert eventually(lambda: server.has_succeeded(running))
    rabbitmq.start()

    assert eventually(lambda: server.have_succeeded(waiting))
    assert all(server.effects().count(job) == 1 for job in (running, *waiting))
