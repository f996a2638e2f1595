"""A database that is away for longer than a lease: every job ends once, and nobody has to help."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from embedded import stack
from embedded.postgres import Postgres
from tests.deadline import eventually
from tests.jobs.worker_server import WorkerServer, has_started, open_gate, running_server, suspended

LEASE_SECONDS = 2


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """A database that nobody starts again but these tests."""
    folder = Path(tempfile.mkdtemp(prefix="om-"))
    service = Postgres(folder, durable=False)
    try:
        stack.start([service])
        stack.set_up([service])
        yield service
    finally:
        service.stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def server(postgres: Postgres) -> Iterator[WorkerServer]:
    with running_server(
        DATABASE_URL=f"postgresql://openmemory@/openmemory?host={postgres.sockets}",
        OPENMEMORY_JOBS_LEASE_SECONDS=str(LEASE_SECONDS),
    ) as server:
        yield server


@contextmanager
def stopped(postgres: Postgres) -> Iterator[None]:
    postgres.stop()
    yield
    stack.start([postgres])


@contextmanager
def frozen(postgres: Postgres) -> Iterator[None]:
    """It takes connections and statements, and answers none of them."""
    main = next(
        process
        for process in psutil.process_iter(["cmdline"])
        if str(postgres.data) in (process.info["cmdline"] or [])
    )
    with suspended(main, *main.children(recursive=True)):
        yield


@pytest.mark.parametrize("away", [stopped, frozen])
def test_jobs_end_once_after_an_outage_that_is_longer_than_a_lease(
    server: WorkerServer, postgres: Postgres, gate: Path, away
) -> None:
    before = server.effects()
    jobs = [server.enqueue(gate, kind) for kind in ("trace", "long trace")]
    assert all(has_started(gate, job) for job in jobs)
    jobs.append(server.enqueue(gate, "long trace"))  # which waits, as one at a time is done

    with away(postgres):
        open_gate(gate)
        assert server.get("/health/ready").status_code == 503
        if away is stopped:
            refused = server.post("/effects", {"kind": "trace", "parameters": {}})
            assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
        time.sleep(LEASE_SECONDS + 1)

    assert eventually(server.is_ready)
    jobs.append(server.enqueue(gate))
    assert eventually(lambda: server.have_succeeded(jobs))
    assert sorted(server.effects()) == sorted([*before, *jobs])
