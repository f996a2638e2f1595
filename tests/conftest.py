from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from pytest_django.plugin import blocking_manager_key
from pytest_socket import socket_allow_hosts

from embedded import stack
from embedded.postgres import Postgres
from embedded.valkey import Valkey
from tests import migrated_data
from tests.cast import alice, anonymous, bob, olga
from tests.shared_server import shared_server

__all__ = ["alice", "anonymous", "bob", "olga", "shared_server"]


@dataclass
class DatabaseState:
    is_flushed: bool = False  # by a transactional test


DATABASE = pytest.StashKey[DatabaseState]()

TESTS = Path(__file__).parent

# How long an example takes says nothing on a busy machine.
hypothesis_settings.register_profile(
    "untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("untimed")

# Folders and fixtures whose tests start programs, or call every endpoint as everybody.
SLOW_FOLDERS = {
    "authority", "browser", "clients", "deployment", "embedded", "server", "upgrade",
}  # fmt: skip
SLOW_FIXTURES = {"server", "servers", "shared_server", "worker_server", "works"}
# Folders whose tests run in this process what others run too. Traced, they take half as long again.
UNTRACED_FOLDERS = {"authority", "browser", "clients", "deployment", "security", "upgrade"}


def pytest_configure(config: pytest.Config) -> None:
    """Have programs that tests start be told of a lost terminal, also under `nohup`.

    What a program ignores, the programs that it starts ignore. What it handles, they do not.
    """
    migrated_data.make_folder(config)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0]
        calls_programs = bool(SLOW_FIXTURES & _fixtures(item))
        if folder in SLOW_FOLDERS or calls_programs:
            item.add_marker("slow")
        if folder in UNTRACED_FOLDERS or calls_programs:
            item.add_marker("no_cover")
    _mix_files(items)
    measured = set((TESTS / "slow_tests.txt").read_text().split())
    for item in items:
        if item.nodeid.partition("[")[0] in measured:
            item.add_marker("slow")


def _mix_files(items: list[pytest.Item]) -> None:
    """Spread the files with slow tests, which mostly wait, among those that compute.

    They are spread over most of the run, as a slow one at its end has nothing to wait beside.
    """
    slow: dict[Path, bool] = {}
    for item in items:
        slow[item.path] = slow.get(item.path, False) or "slow" in item.keywords
    place: dict[Path, float] = {}
    for is_slow, end in ((True, 0.85), (False, 1.0)):
        files = [path for path, value in slow.items() if value == is_slow]
        place |= {path: end * number / len(files) for number, path in enumerate(files)}
    items.sort(key=lambda item: place[item.path])


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup() -> None:
    """Refuse every connection that leaves this machine."""
    socket_allow_hosts(["127.0.0.1", "::1"], allow_unix_socket=True)


@pytest.hookimpl(tryfirst=True, wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Bring back the rows of the migrations that a transactional test has flushed.

    pytest-django has these tests run last, and pytest-xdist all tests of a file together.
    """
    database = item.session.stash.setdefault(DATABASE, DatabaseState())
    if _is_transactional(item):
        database.is_flushed = True
    elif database.is_flushed and _uses_database(item):
        with item.config.stash[blocking_manager_key].unblock():
            _restore_rows_of_migrations()
        database.is_flushed = False
    return (yield)


def _is_transactional(item: pytest.Item) -> bool:
    marker = item.get_closest_marker("django_db")
    is_marked = marker is not None and bool(marker.kwargs.get("transaction"))
    return is_marked or "transactional_db" in _fixtures(item)


def _uses_database(item: pytest.Item) -> bool:
    return "db" in _fixtures(item) or item.get_closest_marker("django_db") is not None


def _fixtures(item: pytest.Item) -> set[str]:
    return set(getattr(item, "fixturenames", ()))


def _restore_rows_of_migrations() -> None:
    call_command(
        "flush", verbosity=0, interactive=False, reset_sequences=False, inhibit_post_migrate=True
    )
    connection.creation.deserialize_db_from_string(connection._test_serialized_contents)
    ContentType.objects.clear_cache()


@pytest.fixture(scope="session", autouse=True)
def services() -> Iterator[None]:
    """A PostgreSQL and a Valkey of the tests' own, in the state folder of `tests.settings`."""
    state_dir: Path = settings.STATE_DIR
    migrated_data.copy_to(state_dir)
    with stack.running(
        "pytest", state_dir, [Postgres(state_dir, durable=False), Valkey(state_dir, durable=False)]
    ):
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(services: None) -> None:
    """Make Django's test database only once there is a PostgreSQL to make it in.

    A request of a test without a database makes a pool for the server's database. Tests would use
    that one from then on, were the pool still there.
    """
    connection.close_pool()
