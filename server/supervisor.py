"""Keep a tree of processes running until it is told to stop."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from embedded import processes
from embedded.errors import ServiceFailed
from embedded.processes import Child, Command

TICK = 0.2
# Seconds before a child that ended is started again: the first time, the second time, …
PAUSES = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)
# A child that ran for so long has recovered, and begins with the first pause again.
HEALTHY_SECONDS = 60.0
TRIM_SECONDS = 60.0


class Program(Child):
    """A program of our own, such as the web server."""

    def __init__(self, name: str, command: Command) -> None:
        self.name = name
        self._command = command

    def command(self) -> Command:
        return self._command


class StopRequests:
    """How often this process was asked to stop: once is politely, twice is impatiently."""

    def __init__(self, parent: int | None = None) -> None:
        """With a parent, to be orphaned is to be asked, too."""
        self.parent = parent
        self.count = 0
        # A `make` that leads its session, as in a terminal of its own, learns that the terminal
        # was closed, and waits for us without a word.
        self.terminal = parent == os.getsid(0) and os.isatty(0)

    def asked(self) -> bool:
        orphaned = self.parent is not None and os.getppid() != self.parent
        hung_up = self.terminal and not os.isatty(0)
        return self.count > 0 or orphaned or hung_up

    def impatient(self) -> bool:
        return self.count > 1

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Count signals that ask to stop, instead of dying of them."""
        before = {number: signal.signal(number, self._count) for number in stop_signals()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _count(self, number: int, frame: FrameType | None) -> None:
        self.count += 1


def stop_signals() -> list[signal.Signals]:
    """Ctrl-C, a service manager, and a terminal that was closed unless `nohup` says otherwise."""
    signals = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signals.append(signal.SIGHUP)
    return signals


@dataclass
class _Watched:
    child: Child
    started: float
    failures: int = 0
    restart_at: float | None = None


class Supervisor:
    """Starts children again when they end: sooner the first time, and later each time after."""

    def __init__(self, children: Sequence[Child], logs: Path, say: Callable[[str], None]) -> None:
        """The children run already."""
        self._watched = [_Watched(child, time.monotonic()) for child in children]
        self._logs = logs
        self._say = say
        self._trimmed = time.monotonic()

    def watch(self, stop: StopRequests) -> None:
        """Return when asked to stop."""
        while not stop.asked():
            for watched in self._watched:
                self._see_to(watched)
            self._trim_logs()
            time.sleep(TICK)

    def stop(self, impatient: Callable[[], bool]) -> None:
        """Stop the children, those that were started last first."""
        for watched in reversed(self._watched):
            watched.child.stop(impatient)

    def _see_to(self, watched: _Watched) -> None:
        if watched.restart_at is not None:
            if time.monotonic() >= watched.restart_at:
                self._restart(watched)
        elif (status := watched.child.status()) is not None:
            if time.monotonic() - watched.started > HEALTHY_SECONDS:
                watched.failures = 0
            self._plan_restart(watched, f"{watched.child.name} ended ({_told(status)})")

    def _restart(self, watched: _Watched) -> None:
        watched.restart_at = None
        watched.started = time.monotonic()
        try:
            watched.child.start()
        except (ServiceFailed, OSError) as error:
            self._plan_restart(watched, f"{watched.child.name} does not start: {error}")

    def _plan_restart(self, watched: _Watched, what: str) -> None:
        pause = PAUSES[min(watched.failures, len(PAUSES) - 1)]
        watched.failures += 1
        watched.restart_at = time.monotonic() + pause
        self._say(f"{what}. It is started again {f'in {pause:.0f} s' if pause else 'now'}.")

    def _trim_logs(self) -> None:
        if time.monotonic() - self._trimmed > TRIM_SECONDS:
            self._trimmed = time.monotonic()
            for log in self._logs.glob("*.log"):
                processes.trim_log(log)


def _told(status: int) -> str:
    if status < 0:
        return f"killed by {signal.Signals(-status).name}"
    return f"status {status}"
