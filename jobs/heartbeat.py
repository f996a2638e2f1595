"""Telling, once a second, that the runs of this process live: from one thread for all of them.

The thread is there, with a connection of its own, for as long as there are leases to renew.
"""

from __future__ import annotations

import threading
from typing import Protocol

from django.db import connection

BEAT_SECONDS = 1.0


class Kept(Protocol):
    def beat(self) -> None:
        """Renew it. Raises nothing."""


class Keeper:
    def __init__(self) -> None:
        self._held: set[Kept] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def hold(self, lease: Kept) -> None:
        with self._changed:
            self._held.add(lease)
            # A thread does not outlive a fork.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="leases", daemon=True)
                self._thread.start()

    def let_go(self, lease: Kept) -> None:
        with self._changed:
            self._held.discard(lease)
            self._changed.notify_all()

    def _run(self) -> None:
        try:
            while leases := self._after_a_while():
                for lease in leases:
                    lease.beat()
        finally:
            connection.close()

    def _after_a_while(self) -> list[Kept]:
        """What is held then. Once that is nothing, another thread is made when it is needed."""
        with self._changed:
            self._changed.wait_for(lambda: not self._held, BEAT_SECONDS)
            if not self._held:
                self._thread = None
            return list(self._held)


keeper = Keeper()
