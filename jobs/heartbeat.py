"""Renews the leases of all runs of this process once a second, from one thread.

The thread, with a database connection of its own, exists as long as there are leases to renew.
"""

from __future__ import annotations

import threading
from typing import Protocol

from django.db import connection

BEAT_SECONDS = 1.0


class Renewable(Protocol):
    def beat(self) -> None:
        """Renew it. Raises nothing."""


class Heartbeat:
    def __init__(self) -> None:
        self._leases: set[Renewable] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, lease: Renewable) -> None:
        with self._changed:
            self._leases.add(lease)
            # A thread does not survive a fork.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="leases", daemon=True)
                self._thread.start()

    def remove(self, lease: Renewable) -> None:
        with self._changed:
            self._leases.discard(lease)
            self._changed.notify_all()

    def _run(self) -> None:
        try:
            while leases := self._wait_for_next_beat():
                for lease in leases:
                    lease.beat()
        finally:
            connection.close()

    def _wait_for_next_beat(self) -> list[Renewable]:
        """Return the leases to renew. Without any, the thread ends, and `add` starts a new one."""
        with self._changed:
            self._changed.wait_for(lambda: not self._leases, BEAT_SECONDS)
            if not self._leases:
                self._thread = None
            return list(self._leases)


heartbeat = Heartbeat()
