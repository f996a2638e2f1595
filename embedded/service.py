"""The base class of the embedded services: how they are prepared, started and stopped."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from . import processes
from .errors import ServiceFailed
from .processes import Child
from .state_folder import ensure_private, socket_folder


class Service(Child):
    """A service that this process starts, owns and stops. A state folder has one of each."""

    title: ClassVar[str]
    process_names: ClassVar[tuple[str, ...]]
    start_seconds: ClassVar[float]

    def __init__(self, state_dir: Path, *, durable: bool = True) -> None:
        """Without durability, a crash of the machine may lose the data: for tests."""
        self.durable = durable
        self.folder = state_dir / self.name
        self.sockets = socket_folder(state_dir, self.name)
        self.log = state_dir / "log" / f"{self.name}.log"

    @abstractmethod
    def prepare(self) -> None:
        """Prepare each start of the program."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether the service answers a client, no matter which process started it."""

    def set_up(self) -> None:
        """Set up the service once it answers, after each start."""

    def start(self) -> None:
        """Start the service without waiting, after ending the leftovers of a killed server."""
        ensure_private(self.log.parent)
        ensure_private(self.folder)
        processes.end_leftovers(self.folder, self.process_names)
        self.prepare()
        super().start()

    def wait(self) -> None:
        """Wait until the service answers. Raises ServiceFailed with the end of its log."""
        deadline = time.monotonic() + self.start_seconds
        while not self.answers():
            if self.status() is not None:
                raise ServiceFailed(self._failure(f"exited with status {self.status()}"))
            if time.monotonic() > deadline:
                raise ServiceFailed(
                    self._failure(f"did not respond within {self.start_seconds:.0f} s")
                )
            time.sleep(0.02)

    def stop(self, urgent: Callable[[], bool] = lambda: False) -> None:
        super().stop(urgent)
        if self.sockets != self.folder and self.sockets.exists():
            self._remove_sockets()

    def _remove_sockets(self) -> None:
        for path in self.sockets.iterdir():
            path.unlink(missing_ok=True)
        self.sockets.rmdir()

    def _failure(self, event: str) -> str:
        tail = processes.tail(self.log)
        return f"The embedded {self.title} {event}. The end of its log ({self.log}):\n{tail}"
