from __future__ import annotations

import signal
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


# Fixtures that start programs, for which a test waits for seconds.
SLOW_FIXTURES = {
    "cluster", "container", "one_server", "servers", "shared_server", "works",
}  # fmt: skip


def pytest_configure() -> None:
    """Have programs that tests start be told of a lost terminal, also under `nohup`.

    What a program ignores, the programs that it starts ignore. What it handles, they do not.
    """
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if SLOW_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker("slow")


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup() -> None:
    """Refuse every connection that leaves this machine."""
    socket_allow_hosts(["127.0.0.1", "::1"], allow_unix_socket=True)


@pytest.fixture(scope="session", autouse=True)
def services() -> Iterator[None]:
    """A PostgreSQL and a Valkey of the tests' own, in the state folder of `tests.settings`."""
    state_dir: Path = settings.STATE_DIR
    with stack.running(
        "pytest", state_dir, [Postgres(state_dir, durable=False), Valkey(state_dir, durable=False)]
    ):
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(services: None) -> None:
    """Make Django's test database only once there is a PostgreSQL to make it in."""
