"""Have the embedded services run while something needs them."""

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

PATIENCE = 60.0  # seconds for another process to have started them


def needed(state_dir: Path, *, database_url: str, redis_url: str) -> list[Service]:
    """The services of which no other one is named."""
    services: list[Service] = []
    if not database_url:
        services.append(Postgres(state_dir))
    if not redis_url:
        services.append(Valkey(state_dir))
    return services


def start(services: list[Service]) -> None:
    """Start them all, side by side, and return when all are ready. Stops them if one is not."""
    try:
        for service in services:
            service.start()
        for service in services:
            service.wait()
            service.set_up()
    except BaseException:
        stop(services)
        raise


def stop(services: list[Service], impatient: Callable[[], bool] = lambda: False) -> None:
    for service in reversed(services):
        service.stop(impatient)


@contextmanager
def during(command: str, state_dir: Path, services: list[Service]) -> Iterator[None]:
    """Have the services for as long as a command runs: those that run already, or its own."""
    if not services:  # then the folder may be one that is not ours to close, as in a pod
        yield
        return
    ownership = Ownership(state_dir)
    if _share_or_claim(ownership, Owner(os.getpid(), command), services):
        with _owned(ownership, services):
            yield
    else:
        try:
            yield
        finally:
            ownership.end_use()


def claim(state_dir: Path, owner: Owner, say: Callable[[str], None]) -> Ownership:
    """Own the services as a server. Waits for a command that does. Raises AlreadyRunning."""
    ownership = Ownership(state_dir)
    said = False
    deadline = time.monotonic() + PATIENCE
    while not ownership.claim(owner):
        other = ownership.owner()
        if other is not None and (other.address or time.monotonic() > deadline):
            raise AlreadyRunning(_who(other))
        if other is not None and not said:
            say(f"Waiting for `{other.command}` (process {other.pid}), which uses the database …")
            said = True
        time.sleep(0.1)
    return ownership


def _share_or_claim(ownership: Ownership, owner: Owner, services: list[Service]) -> bool:
    """Wait for the services of another process (False), or become their owner (True)."""
    deadline = time.monotonic() + PATIENCE
    while not ownership.claim(owner):
        ownership.begin_use()
        if all(service.answers() for service in services):
            return False
        ownership.end_use()
        if time.monotonic() > deadline:
            raise ServiceFailed(f"The services do not answer. {_who(ownership.owner())}")
        time.sleep(0.05)
    return True


@contextmanager
def _owned(ownership: Ownership, services: list[Service]) -> Iterator[None]:
    try:
        start(services)
        try:
            yield
        finally:
            ownership.wait_for_users()
    finally:
        stop(services)
        ownership.release()


def _who(owner: Owner | None) -> str:
    if owner is None:
        return "Another process is using them."
    if owner.address:
        return f"The server is already running: process {owner.pid}, at {owner.address}."
    return f"`{owner.command}` (process {owner.pid}) is using the database."
