"""The space on the server's disk: who may use what is left, and who finds it full.

Archives stop at a reserve, so that the database can go on storing memories for a while.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

import psycopg
from django.conf import settings

from .errors import StorageFull

# On a small disk, the reserve is this share of it.
MAX_RESERVED_SHARE = 0.1
# PostgreSQL needs 16 MB for a new file of its log, and stops where there are none.
FULL_BYTES = 32 * 1024 * 1024

_FULL = {errno.ENOSPC, errno.EDQUOT}


def free_bytes(place: Path | int) -> int:
    """The bytes that are free for this process on the disk of a path or an open file."""
    status = os.statvfs(place)
    return status.f_bavail * status.f_frsize


def reserve_bytes(place: Path | int) -> int:
    """The bytes that archives leave free on a disk."""
    status = os.statvfs(place)
    share = int(status.f_blocks * status.f_frsize * MAX_RESERVED_SHARE)
    return min(int(settings.DISK_RESERVE_BYTES), share)


def require_space(place: Path | int, size: int = 0) -> None:
    """Raises StorageFull if the disk would have less than its reserve after `size` bytes more."""
    if free_bytes(place) - size < reserve_bytes(place):
        raise StorageFull(
            "The server's disk has too little free space for this. Ask the operator to free some, "
            "then try again."
        )


def is_full() -> bool:
    """Whether the disk of the state folder, which has the embedded services' data, is full."""
    try:
        return free_bytes(settings.STATE_DIR) < FULL_BYTES
    except OSError:
        return False


def is_caused_by_full_disk(error: BaseException) -> bool:
    """Whether an error of the file system or the database means that a disk is full."""
    causes = [error, error.__cause__]
    return any(
        isinstance(cause, psycopg.errors.DiskFull)
        or (isinstance(cause, OSError) and cause.errno in _FULL)
        for cause in causes
    )
