"""Who makes or reads an archive while somebody waits: few at once, and for each user one."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from core.errors import Unavailable

# In one process. Each keeps a core busy, and those who remember and recall need it too.
MAX_CONCURRENT = 2
WAIT_SECONDS = 30.0  # seconds

_busy: set[uuid.UUID] = set()
_changed = threading.Condition()


class ArchivesUnderWay(Unavailable):
    """Other archives are being made or read: try again soon, or send `Prefer: respond-async`."""

    code = "archives_under_way"


@contextmanager
def archive_slot(user: uuid.UUID) -> Iterator[None]:
    """Wait for a turn. Raises ArchivesUnderWay when it does not come."""
    with _changed:
        if not _changed.wait_for(
            lambda: user not in _busy and len(_busy) < MAX_CONCURRENT, WAIT_SECONDS
        ):
            raise ArchivesUnderWay
        _busy.add(user)
    try:
        yield
    finally:
        with _changed:
            _busy.discard(user)
            _changed.notify_all()
