"""Limit the archives that are written or read within requests: few at once, one for each user."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from core.errors import Unavailable

# In one process. Each keeps a core busy, which other requests need, too.
MAX_CONCURRENT = 2
WAIT_SECONDS = 30.0

_users: set[uuid.UUID] = set()
_slots_changed = threading.Condition()


class TooManyArchives(Unavailable):
    """Too many exports and imports are running: try again soon, or send `Prefer: respond-async`."""

    code = "archives_under_way"


@contextmanager
def archive_slot(user: uuid.UUID) -> Iterator[None]:
    """Hold one of the slots. Raises TooManyArchives when none becomes free in time."""
    with _slots_changed:
        if not _slots_changed.wait_for(
            lambda: user not in _users and len(_users) < MAX_CONCURRENT, WAIT_SECONDS
        ):
            raise TooManyArchives
        _users.add(user)
    try:
        yield
    finally:
        with _slots_changed:
            _users.discard(user)
            _slots_changed.notify_all()
