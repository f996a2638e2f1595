"""Take turns at uploading archives: one for each user, and few at once.

A turn is taken before the body is read, so that nobody fills the disk with uploads that wait for
each other. It is a lock on one byte of a file, which ends with its process, and holds no connection
to the database.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from typing import ClassVar

from django.conf import settings

from core.errors import Conflict, Unavailable

# Uploads that one process receives at once. Each holds a thread for as long as the client takes.
MAX_UPLOADS: int = max(1, settings.WEB_THREADS // 4)

_uploading: set[str] = set()
_changes = threading.Lock()


class ImportUnderWay(Conflict):
    """Another import into this user is under way: try again when it has ended."""

    code: ClassVar[str] = "import_under_way"


class TooManyUploads(Unavailable):
    """Too many archives are being uploaded: try again soon."""

    code: ClassVar[str] = "archives_under_way"


@contextmanager
def upload_turn(user_id: str) -> Iterator[None]:
    """Raises ImportUnderWay or TooManyUploads, without waiting."""
    with _changes:
        if len(_uploading) >= MAX_UPLOADS:
            raise TooManyUploads
        # A process can lock a byte any number of times: the set excludes its other threads.
        if user_id in _uploading or not _lock(user_id):
            raise ImportUnderWay
        _uploading.add(user_id)
    try:
        yield
    finally:
        with _changes:
            fcntl.lockf(_lock_file(), fcntl.LOCK_UN, 1, _byte_of(user_id))
            _uploading.discard(user_id)


def _lock(user_id: str) -> bool:
    try:
        fcntl.lockf(_lock_file(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _byte_of(user_id))
    except BlockingIOError:
        return False
    return True


@cache
def _lock_file() -> int:
    """The lock file, which stays open: closing it anywhere in the process ends all its locks."""
    path = settings.STATE_DIR / "uploads.lock"
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _byte_of(user_id: str) -> int:
    return int.from_bytes(sha256(user_id.encode()).digest()[:7])
