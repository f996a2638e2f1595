from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded.postgres import Postgres
from embedded.service import Service


def bring_up(service: Service) -> None:
    service.start()
    service.wait()
    service.set_up()


@pytest.fixture
def state_dir() -> Iterator[Path]:
    """A state folder of a test's own, with a short path."""
    path = Path(tempfile.mkdtemp(prefix="om-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def shared_state_dir() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="om-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def cluster(shared_state_dir: Path) -> Iterator[Postgres]:
    """A PostgreSQL for the tests of one file, each of which may stop it."""
    service = Postgres(shared_state_dir, durable=False)
    yield service
    service.stop()


@pytest.fixture
def postgres(cluster: Postgres) -> Postgres:
    """A PostgreSQL that runs."""
    if cluster.process is None or not cluster.answers():
        cluster.stop()
        bring_up(cluster)
    return cluster
