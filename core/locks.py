"""Advisory locks of the database: what may happen once at a time, however many processes there are.

Rows are locked with `select_for_update`. These are for what is no row.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum, unique

from django.db import connection

from . import sql


@unique
class Lock(IntEnum):
    """Every advisory lock that the server takes, with the number by which PostgreSQL knows it.

    Processes of two versions may run at once: a number stays as it is.
    """

    USER_INDEXES = 5_190_512  # one process builds or drops indexes of users
    EMBEDDING_SPACES = 5_190_513  # shared by writers; alone, a space becomes the current one
    CATEGORIES = 5_190_514  # one merge or renaming of categories at a time
    SCRATCH_SCHEMA = 5_190_515  # one archive is tried out at a time
    HOUSEKEEPING = 5_190_516  # one housekeeping at a time
    IMPORT = 5_190_517  # with the user: one import into a user at a time
    SAME_TEXT = 5_190_518  # with the text: who stores the same text waits
    INFERENCE = 7_405_118  # with the user: facts of one message at a time


class LockTaken(Exception):
    """Somebody else holds the lock."""


@contextmanager
def advisory_lock(lock: Lock) -> Iterator[None]:
    """Hold a lock, over any number of transactions. Raises LockTaken at once, and never waits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [lock])
        if not cursor.fetchone()[0]:
            raise LockTaken
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [lock])


def lock_transaction(lock: Lock, key: int | None = None) -> None:
    """Wait for a lock, and hold it until the caller's transaction ends.

    With a `key` (any integer, of which 31 bits count) it is the lock of that one thing.
    """
    if key is None:
        sql.execute("SELECT pg_advisory_xact_lock(%s)", [lock])
    else:
        sql.execute("SELECT pg_advisory_xact_lock(%s, %s)", [lock, key & 0x7FFF_FFFF])
