"""A server whose state folder is on a small disk of its own."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.server.processes import Server

MEGABYTE = 1024 * 1024
DISK_BYTES = 320 * MEGABYTE


@contextmanager
def small_disk() -> Iterator[Path]:
    """Mount a small disk, in memory. Skips the test where mounting is not permitted."""
    with tempfile.TemporaryDirectory(prefix="om-disk-") as name:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", name]
        try:
            result = subprocess.run(mount, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            pytest.skip("There is no `mount` on this machine.")
        if result.returncode:
            pytest.skip(f"Mounting a small disk needs root: {result.stderr.strip()}")
        try:
            Path(name).chmod(0o755)  # PostgreSQL runs as another user
            yield Path(name)
        finally:
            subprocess.run(["umount", "-l", name], check=True)


class ServerOnSmallDisk(Server):
    def __init__(self, disk: Path) -> None:
        folder = disk / "state"
        folder.mkdir(mode=0o700)
        super().__init__(
            folder,
            USER="default_user",
            OPENMEMORY_WEB_PROCESSES="1",
            OPENMEMORY_RATE_WRITES="off",
            OPENMEMORY_JOBS_SWEEP_SECONDS="1",
            OPENMEMORY_JOBS_LEASE_SECONDS="5",
        )
        self._ballast = disk / "ballast"

    def fill_disk(self, *, leave: int = 0) -> None:
        """Fill the disk with a file, but for some bytes."""
        with self._ballast.open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(MEGABYTE))
            except OSError:
                file.truncate(max(0, file.tell() - leave))

    def free_disk(self) -> None:
        self._ballast.unlink()
