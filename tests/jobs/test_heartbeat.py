"""The one thread of a process that renews the leases of all its runs."""

from __future__ import annotations

import threading

import pytest

from jobs import heartbeat
from jobs.heartbeat import Heartbeat
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


def test_all_leases_are_renewed_until_they_are_removed() -> None:
    beats, one, other = Heartbeat(), Counted(), Counted()
    beats.add(one)
    beats.add(other)
    assert one.is_renewed()
    assert other.is_renewed()

    beats.remove(one)
    so_far = len(one.renewed_in)
    assert other.is_renewed()
    assert other.is_renewed()

    assert len(one.renewed_in) <= so_far + 1  # it may have been its turn
    beats.remove(other)


def test_no_thread_is_left_without_leases_and_another_is_made_then() -> None:
    beats, lease = Heartbeat(), Counted()
    beats.add(lease)
    thread = beats._thread
    assert thread is not None

    beats.remove(lease)
    thread.join(SECONDS)
    assert not thread.is_alive()

    beats.add(lease)
    assert lease.is_renewed()
    beats.remove(lease)
