"""The one thread of a process that renews the leases of all its runs."""

from __future__ import annotations

import threading

import pytest

from jobs import heartbeat
from jobs.heartbeat import Keeper
from tests.deadline import SECONDS


class Counted:
    """A lease that tells how often it was renewed."""

    def __init__(self) -> None:
        self._beats = threading.Semaphore(0)
        self.renewed_in: list[str] = []

    def beat(self) -> None:
        self.renewed_in.append(threading.current_thread().name)
        self._beats.release()

    def is_renewed(self) -> bool:
        return self._beats.acquire(timeout=SECONDS)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.01)


def test_all_leases_are_renewed_until_they_are_let_go_of() -> None:
    keeper, one, other = Keeper(), Counted(), Counted()
    keeper.hold(one)
    keeper.hold(other)
    assert one.is_renewed()
    assert other.is_renewed()

    keeper.let_go(one)
    so_far = len(one.renewed_in)
    assert other.is_renewed()
    assert other.is_renewed()

    assert len(one.renewed_in) <= so_far + 1  # it may have been its turn
    keeper.let_go(other)


def test_no_thread_is_left_when_nothing_is_held_and_another_is_made_then() -> None:
    keeper, lease = Keeper(), Counted()
    keeper.hold(lease)
    thread = keeper._thread
    assert thread is not None

    keeper.let_go(lease)
    thread.join(30)
    assert not thread.is_alive()

    keeper.hold(lease)
    assert lease.is_renewed()
    keeper.let_go(lease)
