"""Keep a tree of processes running until it is asked to stop."""

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
# Seconds before a child that exited is restarted: the first time, the second time, …
RESTART_DELAYS = (0.0, 1.0, 2.0, 5.0, 10.0)
# A child that ran for so long has recovered, so that its delays start again.
HEALTHY_SECONDS = 60.0
TRIM_SECONDS = 60.0


class ServerProcess(Child):
    """A process of the server itself, such as the web server."""

    def __init__(self, name: str, command: Command) -> None:
        self.name = name
        self._command = command

    def command(self) -> Command:
        return self._command

    def start(self) -> None:
        self.start_waiting()
        self.go_on()

    def start_waiting(self) -> None:
        """Start a process that waits for the end of its input."""
        super().start()

    def go_on(self) -> None:
        """End the input that it waits for, if it has any."""
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()


class StopRequests:
    """Counts the requests to stop this process. A second request makes it urgent."""

    def __init__(self, parent: int | None = None) -> None:
        """With a parent, its death is a request, too."""
        self.parent = parent
        self.count = 0
        # If `make` leads the session, as in a terminal of its own, it is told that the terminal
        # was closed, and waits for this process without telling it.
        self.terminal = parent == os.getsid(0) and os.isatty(0)

    def requested(self) -> bool:
        orphaned = self.parent is not None and os.getppid() != self.parent
        hung_up = self.terminal and not os.isatty(0)
        return self.count > 0 or orphaned or hung_up

    def urgent(self) -> bool:
        return self.count > 1

    @contextmanager
    def listen(self) -> Iterator[None]:
        """Count stop signals instead of being terminated by them."""
        handlers = {number: signal.signal(number, self._count) for number in stop_signals()}
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def _count(self, number: int, frame: FrameType | None) -> None:
        self.count += 1


def stop_signals() -> list[signal.Signals]:
    """Signals of Ctrl-C, service managers and, except under `nohup`, a closed terminal."""
    signals = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signals.append(signal.SIGHUP)
    return signals


@dataclass
class _ChildState:
    child: Child
    started: float
    failures: int = 0
    restart_at: float | None = None


class Supervisor:
    """Restarts children that exit, with increasing delays."""

    def __init__(
        self, children: Sequence[Child], logs: Path, report: Callable[[str], None]
    ) -> None:
        """The children are already running."""
        self._states = [_ChildState(child, time.monotonic()) for child in children]
        self._logs = logs
        self._report = report
        self._trimmed_at = time.monotonic()

    def watch(self, stop: StopRequests) -> None:
        """Return when a stop is requested."""
        while not stop.requested():
            for state in self._states:
                self._check(state)
            self._trim_logs()
            time.sleep(TICK)

    def stop(self, urgent: Callable[[], bool]) -> None:
        """Stop the children in reverse order of their start."""
        for state in reversed(self._states):
            state.child.stop(urgent)

    def _check(self, state: _ChildState) -> None:
        if state.restart_at is not None:
            if time.monotonic() >= state.restart_at:
                self._restart(state)
        elif (status := state.child.status()) is not None:
            if time.monotonic() - state.started > HEALTHY_SECONDS:
                state.failures = 0
            self._schedule_restart(state, f"{state.child.name} exited ({_describe(status)})")

    def _restart(self, state: _ChildState) -> None:
        state.restart_at = None
        state.started = time.monotonic()
        try:
            state.child.start()
        except (ServiceFailed, OSError) as error:
            self._schedule_restart(state, f"{state.child.name} does not start: {error}")

    def _schedule_restart(self, state: _ChildState, event: str) -> None:
        delay = RESTART_DELAYS[min(state.failures, len(RESTART_DELAYS) - 1)]
        state.failures += 1
        state.restart_at = time.monotonic() + delay
        self._report(f"{event}. Restarting {f'in {delay:.0f} s' if delay else 'now'}.")

    def _trim_logs(self) -> None:
        if time.monotonic() - self._trimmed_at > TRIM_SECONDS:
            self._trimmed_at = time.monotonic()
            for log in self._logs.glob("*.log"):
                processes.trim_log(log)


def _describe(status: int) -> str:
    if status < 0:
        return f"killed by {signal.Signals(-status).name}"
    return f"status {status}"
