"""Which process owns the embedded services of a state folder, and which others use them.

Both use file locks, which the kernel releases when the holder dies:

- `services.lock`: held by the process that started the services. It describes the owner.
- `services.use`: shared by every other process that uses them. A command that started the services
  takes it exclusively before it stops them, so that it does not interrupt another command.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from .state_folder import ensure_private


@dataclass(frozen=True)
class Owner:
    pid: int
    command: str
    address: str = ""  # empty unless the owner is the server


class Lock:
    """A file lock. A process holds it at most once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None

    def acquire(self, *, shared: bool = False, wait: bool = False) -> bool:
        """Acquire the lock. Returns False if another process holds it and `wait` is False."""
        # The file stays open until the release.
        file = open(self.path, "a+", opener=lambda name, flags: os.open(name, flags, 0o600))  # noqa: SIM115
        mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(file, mode if wait else mode | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._file = file
        return True

    def write(self, text: str) -> None:
        assert self._file is not None, "only the holder may write"  # noqa: S101
        self._file.truncate(0)
        self._file.write(text)
        self._file.flush()

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = None


class Ownership:
    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        self._services = Lock(state_dir / "services.lock")
        self._use = Lock(state_dir / "services.use")

    def claim(self, owner: Owner) -> bool:
        """Become the owner, unless another process is."""
        ensure_private(self._state_dir)
        if not self._services.acquire():
            return False
        self._services.write(json.dumps(asdict(owner)))
        return True

    def owner(self) -> Owner | None:
        """Return the owner, or None if there is none or it has not written its name yet."""
        try:
            return Owner(**json.loads(self._services.path.read_text()))
        except (FileNotFoundError, json.JSONDecodeError):
            return None

    def start_use(self) -> None:
        """Start to use another process's services. Waits while it is stopping them."""
        self._use.acquire(shared=True, wait=True)

    def end_use(self) -> None:
        self._use.release()

    def wait_for_users(self) -> None:
        """As the owner, wait until no other process uses the services, and lock out new ones."""
        self._use.acquire(wait=True)

    def release(self) -> None:
        self._services.release()
        self._use.release()
