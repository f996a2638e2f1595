from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from pytest_socket import socket_allow_hosts

from embedded import stack
from embedded.postgres import Postgres
from embedded.valkey import Valkey
from tests.cast import alice, anonymous, bob, olga
from tests.shared_server import shared_server

__all__ = ["alice", "anonymous", "bob", "olga", "shared_server"]


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup() -> None:
    """Refuse every connection that leaves this machine."""
    socket_allow_hosts(["127.0.0.1", "::1"], allow_unix_socket=True)


@pytest.fixture(scope="session", autouse=True)
def services() -> Iterator[None]:
    """A PostgreSQL and a Valkey of the tests' own, in the state folder of `tests.settings`."""
    state_dir: Path = settings.STATE_DIR
    with stack.during(
        "pytest", state_dir, [Postgres(state_dir, durable=False), Valkey(state_dir, durable=False)]
    ):
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(services: None) -> None:
    """Make Django's test database only once there is a PostgreSQL to make it in."""
