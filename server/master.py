"""The parent of a program's processes: it replaces those that exit, and stops all of them."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.context import ForkProcess
from types import FrameType

import structlog

from server.forks import fork
from server.web_process import DRAIN_SIGNAL

log = structlog.get_logger("openmemory.server")

TICK = 0.1
# Seconds before a process that exited at once is replaced.
RESPAWN_SECONDS = 3.0


@dataclass
class Role:
    """Processes that run the same function until SIGTERM, and always as many."""

    name: str  # of each process, 15 characters at most
    run: Callable[[], None]
    number: int
    stop_seconds: float
    # Whether they go on while the server drains.
    drains: bool = False
    processes: list[ForkProcess] = field(default_factory=list)
    _started_at: float = float("-inf")

    def replace_dead(self) -> None:
        running = [process for process in self.processes if process.is_alive()]
        if len(running) == self.number or time.monotonic() < self._started_at + RESPAWN_SECONDS:
            return
        if self.processes:
            log.error("a process exited", process=self.name, left=len(running))
        self._started_at = time.monotonic()
        missing = self.number - len(running)
        self.processes = running + [fork(self.name, self.run) for _ in range(missing)]


class OnDemand:
    """Processes that other processes of the server ask for. Each ends by itself."""

    def __init__(self, name: str, run: Callable[[], None], *, limit: int, stop_seconds: float):
        self.name, self.stop_seconds = name, stop_seconds
        self._run, self._limit = run, limit
        self._asked = 0
        self.processes: list[ForkProcess] = []
        self.reader, self._writer = os.pipe()
        os.set_blocking(self.reader, False)
        os.set_blocking(self._writer, False)

    def ask(self) -> None:
        """Ask for a process, from any process of the server."""
        with suppress(BlockingIOError):  # asked for often enough
            os.write(self._writer, b"+")

    def start_asked(self) -> None:
        with suppress(BlockingIOError):
            # More than this would find nothing to do.
            self._asked = min(self._limit, self._asked + len(os.read(self.reader, 4096)))
        self.processes = [process for process in self.processes if process.is_alive()]
        while self._asked and len(self.processes) < self._limit:
            self._asked -= 1
            self.processes.append(fork(self.name, self._run))


class Master:
    """Runs until a signal, or until its own parent exits. It has no threads, as it forks."""

    def __init__(
        self, roles: Sequence[Role], *, drain_seconds: float, on_demand: OnDemand | None = None
    ) -> None:
        self._roles = roles
        self._on_demand = on_demand
        self._drain_seconds = drain_seconds
        self._stop_at: float | None = None
        self._parent = os.getppid()

    def run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._request_stop)
        while self._stop_at is None or time.monotonic() < self._stop_at:
            if os.getppid() != self._parent:
                self._request_stop()
            if self._stop_at is None:
                self._start_missing()
            self._wait()
        self._stop()

    def _wait(self) -> None:
        select.select([self._on_demand.reader] if self._on_demand else [], [], [], TICK)

    def _start_missing(self) -> None:
        for role in self._roles:
            role.replace_dead()
        if self._on_demand:
            self._on_demand.start_asked()

    def _request_stop(self, number: int = 0, frame: FrameType | None = None) -> None:
        """Stop after load balancers had time to notice. A second signal stops at once."""
        is_first = self._stop_at is None
        self._stop_at = time.monotonic() + (self._drain_seconds if is_first else 0)
        for role in self._roles:
            _signal(role.processes, DRAIN_SIGNAL if role.drains else signal.SIGTERM)
        if self._on_demand:
            _signal(self._on_demand.processes, signal.SIGTERM)

    def _stop(self) -> None:
        families = list(self._families())
        for processes, _ in families:
            _signal(processes, signal.SIGTERM)
        started = time.monotonic()
        for processes, seconds in families:
            for process in processes:
                process.join(max(0.0, started + seconds - time.monotonic()))
                if process.is_alive():
                    process.kill()
                    process.join()

    def _families(self) -> Iterator[tuple[list[ForkProcess], float]]:
        for role in self._roles:
            yield role.processes, role.stop_seconds
        if self._on_demand:
            yield self._on_demand.processes, self._on_demand.stop_seconds


def _signal(processes: Sequence[ForkProcess], number: int) -> None:
    for process in processes:
        if process.pid and process.is_alive():
            os.kill(process.pid, number)
