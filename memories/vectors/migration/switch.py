"""Change the space that is searched, for all processes at once: every search reads its state."""

from __future__ import annotations

from django.db import OperationalError
from django.utils import timezone
from psycopg.errors import LockNotAvailable

from core.locks import Lock, lock_transaction
from core.sql import execute
from memories.models import EmbeddingSpace

State = EmbeddingSpace.State

# How long new writers may have to wait behind one that writes many memories.
LOCK_TIMEOUT = "300ms"


class WritersBusy(Exception):
    """A writer has held the lock for longer than others should wait."""


def lock_out_writers() -> None:
    """Wait until no memory is being written, and block writers until the transaction ends.

    Raises WritersBusy.
    """
    execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
    try:
        lock_transaction(Lock.EMBEDDING_SPACES)
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            raise WritersBusy from error
        raise
    execute("SELECT set_config('lock_timeout', '0', true)")


def switch(space: EmbeddingSpace) -> None:
    """Search this space from now on, and keep the previous one for a rollback."""
    now = timezone.now()
    previous = EmbeddingSpace.objects.filter(state=State.ACTIVE)
    previous.update(state=State.KEPT, retired_at=now)
    space.activated_at = now
    space.enter(State.ACTIVE)


def pause_filling() -> None:
    """Add no more vectors to the space that is being filled. Those in it stay."""
    EmbeddingSpace.objects.filter(state=State.FILLING).update(state=State.PAUSED)
