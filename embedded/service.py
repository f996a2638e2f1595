"""What the embedded services have in common: made ready, started, waited for, stopped."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from . import processes
from .errors import ServiceFailed
from .processes import Child
from .state import prepare, socket_folder


class Service(Child):
    """A program that this process starts, owns and stops. One at a time for a state folder."""

    title: ClassVar[str]
    process_names: ClassVar[tuple[str, ...]]
    start_seconds: ClassVar[float]

    def __init__(self, state_dir: Path, *, durable: bool = True) -> None:
        """Without durability a crash of the machine may lose the data: for tests."""
        self.durable = durable
        self.folder = state_dir / self.name
        self.sockets = socket_folder(state_dir, self.name)
        self.log = state_dir / "log" / f"{self.name}.log"

    @abstractmethod
    def prepare(self) -> None:
        """Make what the program needs before each start."""

    @abstractmethod
    def answers(self) -> bool:
        """Tell whether the running service, whoever started it, answers a client."""

    def set_up(self) -> None:
        """Do what has to be done once it answers, as often as it starts."""

    def start(self) -> None:
        """Start it, without waiting. What a killed server left behind is cleared away first."""
        prepare(self.log.parent)
        prepare(self.folder)
        processes.end_leftovers(self.folder, self.process_names)
        self.prepare()
        super().start()

    def wait(self) -> None:
        """Wait until it answers. Raises ServiceFailed, with the end of its log."""
        deadline = time.monotonic() + self.start_seconds
        while not self.answers():
            if self.status() is not None:
                raise ServiceFailed(self._failure(f"ended with status {self.status()}"))
            if time.monotonic() > deadline:
                raise ServiceFailed(self._failure(f"does not answer ({self.start_seconds:.0f} s)"))
            time.sleep(0.02)

    def stop(self, impatient: Callable[[], bool] = lambda: False) -> None:
        super().stop(impatient)
        if self.sockets != self.folder and self.sockets.exists():
            self._remove_sockets()

    def _remove_sockets(self) -> None:
        for left in self.sockets.iterdir():
            left.unlink(missing_ok=True)
        self.sockets.rmdir()

    def _failure(self, what: str) -> str:
        return f"The embedded {self.title} {what}. Its log ({self.log}) ends:\n" + processes.tail(
            self.log
        )
