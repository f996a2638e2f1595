"""Which space is searched: changed for all processes at once, as each search asks for it."""

from __future__ import annotations

from django.db import OperationalError, connection
from django.utils import timezone
from psycopg.errors import LockNotAvailable

from memories.models import EmbeddingSpace
from memories.models.embedding import ADVISORY_LOCK

State = EmbeddingSpace.State

# For so long those who put down memories may have to wait for one who puts down many.
LONGEST_WAIT = "300ms"


class Busy(Exception):
    """Somebody is writing memories for longer than others should wait."""


def alone() -> None:
    """Wait until no memory is being written, and let none be until the transaction ends.

    Raises Busy.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LONGEST_WAIT])
        try:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])
        except OperationalError as error:
            if isinstance(error.__cause__, LockNotAvailable):
                raise Busy from error
            raise
        cursor.execute("SELECT set_config('lock_timeout', '0', true)")


def switch(space: EmbeddingSpace) -> None:
    """Search this space from now on, and keep the one that was searched, to go back to it."""
    now = timezone.now()
    former = EmbeddingSpace.objects.filter(state=State.ACTIVE)
    former.update(state=State.KEPT, retired_at=now)
    space.activated_at = now
    space.enter(State.ACTIVE)


def leave() -> None:
    """Put nothing more into the space that is being filled. What is in it stays."""
    EmbeddingSpace.objects.filter(state=State.FILLING).update(state=State.PAUSED)
