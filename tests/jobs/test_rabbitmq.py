"""Workers whose messages go over a real RabbitMQ: without it, none of them would be woken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deadline import eventually
from tests.jobs.job_types import Works, begun, open_up, works_with
from tests.jobs.rabbitmq import RabbitMQ, program

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
def works(rabbitmq: RabbitMQ) -> Iterator[Works]:
    with works_with(CELERY_BROKER_URL=rabbitmq.url) as server:
        yield server


def test_jobs_are_done_and_those_of_a_killed_worker_by_the_next_one(
    works: Works, gate: Path
) -> None:
    jobs = [works.queue(gate), works.queue(gate, "long trace")]
    assert all(begun(gate, job) for job in jobs)

    for lane in ("quick", "long"):
        works.child("server.worker", lane).kill()

    assert all(begun(gate, job, attempt=2) for job in jobs)
    open_up(gate)
    assert eventually(lambda: works.have_succeeded(jobs))
    assert sorted(works.effects()) == sorted(jobs)


def test_a_broker_that_is_killed_and_comes_back_has_every_job_done_once(
    works: Works, rabbitmq: RabbitMQ, gate: Path
) -> None:
    running = works.queue(gate)
    assert begun(gate, running)

    rabbitmq.kill()
    waiting = [works.queue(gate, kind) for kind in ("trace", "long trace") * 3]
    assert works.job(waiting[0])["state"] in ("queued", "running")
    open_up(gate)
    assert eventually(lambda: works.has_succeeded(running))
    rabbitmq.start()

    assert eventually(lambda: works.have_succeeded(waiting))
    assert all(works.effects().count(job) == 1 for job in (running, *waiting))
