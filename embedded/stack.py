"""Run the embedded services while a process needs them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import AlreadyRunning, ServiceFailed
from .ownership import Owner, Ownership
from .postgres import Postgres
from .service import Service
from .valkey import Valkey

WAIT_SECONDS = 60.0  # for another process to release the services
START_SECONDS = 240.0  # for another process to start them, each in its own time


def required_services(state_dir: Path, *, database_url: str, redis_url: str) -> list[Service]:
    """Return the services that no URL replaces."""
    services: list[Service] = []
    if not database_url:
        services.append(Postgres(state_dir))
    if not redis_url:
        services.append(Valkey(state_dir))
    return services


def start(services: list[Service]) -> None:
    """Start all services concurrently and wait until all are ready. Stops all if one fails."""
    try:
        for service in services:
            service.start()
        for service in services:
            service.wait()
    except BaseException:
        stop(services)
        raise


def set_up(services: list[Service]) -> None:
    """Set up services that answer, after each start of them."""
    for service in services:
        service.set_up()


def stop(services: list[Service], urgent: Callable[[], bool] = lambda: False) -> None:
    for service in reversed(services):
        service.stop(urgent)


@contextmanager
def running(
    command: str,
    state_dir: Path,
    services: list[Service],
    *,
    start_seconds: float = START_SECONDS,
) -> Iterator[None]:
    """Run the services during a command, or use those that another process runs.

    Raises ServiceFailed if they do not start, or not within the seconds for another process's.
    """
    if not services:  # do not touch the folder: in a pod it may not be ours
        yield
        return
    ownership = Ownership(state_dir)
    if _share_or_claim(ownership, Owner(os.getpid(), command), services, start_seconds):
        with _owned(ownership, services):
            yield
    else:
        try:
            yield
        finally:
            ownership.end_use()


def claim_services(state_dir: Path, owner: Owner, report: Callable[[str], None]) -> Ownership:
    """Own the services as a server. Waits for commands that own them. Raises AlreadyRunning."""
    ownership = Ownership(state_dir)
    reported = False
    deadline = time.monotonic() + WAIT_SECONDS
    while not ownership.claim(owner):
        other = ownership.owner()
        if other is not None and (other.address or time.monotonic() > deadline):
            raise AlreadyRunning(_describe(other))
        if other is not None and not reported:
            report(f"Waiting for `{other.command}` (process {other.pid}) to release the database …")
            reported = True
        time.sleep(0.1)
    return ownership


def _share_or_claim(
    ownership: Ownership, owner: Owner, services: list[Service], start_seconds: float
) -> bool:
    """Return True as the new owner of the services, or False as a user of another process's."""
    deadline = time.monotonic() + start_seconds
    while not ownership.claim(owner):
        ownership.start_use()
        if all(service.answers() for service in services):
            return False
        ownership.end_use()
        if time.monotonic() > deadline:
            raise ServiceFailed(f"The services are not responding. {_describe(ownership.owner())}")
        time.sleep(0.05)
    return True


@contextmanager
def _owned(ownership: Ownership, services: list[Service]) -> Iterator[None]:
    try:
        start(services)
        set_up(services)
        try:
            yield
        finally:
            ownership.wait_for_users()
    finally:
        stop(services)
        ownership.release()


def _describe(owner: Owner | None) -> str:
    if owner is None:
        return "Another process is using them."
    if owner.address:
        return f"The server is already running: process {owner.pid}, at {owner.address}."
    return f"`{owner.command}` (process {owner.pid}) is using the database."
