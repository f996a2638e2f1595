"""Who started the embedded services of a state folder, and who uses them meanwhile.

Two files are locked, and the kernel lets go of both when their holder dies, however it dies:

- `services.lock`, by the one process that started the services, and says in it who that is;
- `services.use`, shared by every other process that uses them. A command that started them
  takes it alone before it stops them, so it never cuts another command off.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from .state import prepare


@dataclass(frozen=True)
class Owner:
    pid: int
    command: str
    address: str = ""  # of the server, when the owner is one


class Lock:
    """A file lock that is held at most once by a process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None

    def take(self, *, shared: bool = False, wait: bool = False) -> bool:
        """Take it, alone or shared. Tells whether it was free, when it is not to wait."""
        # Held for as long as the lock is.
        file = open(self.path, "a+", opener=lambda name, flags: os.open(name, flags, 0o600))  # noqa: SIM115
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(file, kind if wait else kind | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._file = file
        return True

    def write(self, text: str) -> None:
        assert self._file is not None, "only the holder writes"  # noqa: S101
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
        prepare(self._state_dir)
        if not self._services.take():
            return False
        self._services.write(json.dumps(asdict(owner)))
        return True

    def owner(self) -> Owner | None:
        """Tell who owns the services, as far as the owner has said."""
        try:
            return Owner(**json.loads(self._services.path.read_text()))
        except (FileNotFoundError, json.JSONDecodeError):
            return None

    def begin_use(self) -> None:
        """Use services that another process owns. Waits for one that is just stopping them."""
        self._use.take(shared=True, wait=True)

    def end_use(self) -> None:
        self._use.release()

    def wait_for_users(self) -> None:
        """As the owner: wait until nobody else uses the services, and let nobody begin."""
        self._use.take(wait=True)

    def release(self) -> None:
        self._services.release()
        self._use.release()
