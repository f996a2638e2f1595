"""Advisory locks of PostgreSQL: mutual exclusion across processes and machines.

Rows are locked with `select_for_update`. These locks are for everything else.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum, unique

from django.db import connection

from . import sql

LOCK_ONE_OF_MANY = """
SELECT pg_advisory_xact_lock_shared(%s, %s), pg_advisory_xact_lock(%s, %s)
"""


@unique
class Lock(IntEnum):
    """Every advisory lock of the server, with its number in PostgreSQL.

    Processes of two releases may run at once, so a number stays as it is once it is released.
    """

    USER_INDEXES = 5_190_512  # one process builds or drops indexes of users
    EMBEDDING_SPACES = 5_190_513  # writers share it; switching to another space is exclusive
    CATEGORIES = 5_190_514  # one merge or renaming of categories at a time
    SCRATCH_SCHEMA = 5_190_515  # one dry run of an import at a time
    HOUSEKEEPING = 5_190_516  # one housekeeping run at a time
    IMPORT = 5_190_517  # with the user: one import per user at a time
    SAME_TEXT = 5_190_518  # with the text: one process stores the same text at a time
    USER_TEXTS = 5_190_534  # with the user: many texts of theirs are stored, or each alone
    IDEMPOTENCY = 5_190_535  # with the user and their key: one call at a time
    PAST_VIEWS = 5_190_538  # readers of the past share it; making its views is exclusive
    OWN_KEY = 5_190_540  # with the user and a memory's own key: one process stores it
    INFERENCE = 7_405_118  # with the user: facts of one message at a time


class LockTaken(Exception):
    """Another connection holds the lock."""


@contextmanager
def advisory_lock(lock: Lock) -> Iterator[None]:
    """Hold a lock over any number of transactions. Raises LockTaken instead of waiting."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [lock])
        if not cursor.fetchone()[0]:
            raise LockTaken
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [lock])


def lock_transaction(lock: Lock, key: int | None = None) -> None:
    """Wait for a lock, and hold it until the current transaction ends.

    With a `key` (any integer; 31 bits of it count), the lock is specific to that key.
    """
    if key is None:
        sql.execute("SELECT pg_advisory_xact_lock(%s)", [lock])
    else:
        sql.execute("SELECT pg_advisory_xact_lock(%s, %s)", [lock, key & 0x7FFF_FFFF])


def lock_one_of_many(many: Lock, many_key: int, one: Lock, one_key: int) -> None:
    """Wait for the lock of one thing and, shared with others, for that of all such things.

    Whoever works on many of them takes the latter alone, instead of a lock for each.
    """
    parameters = [many, many_key & 0x7FFF_FFFF, one, one_key & 0x7FFF_FFFF]
    sql.execute(LOCK_ONE_OF_MANY, parameters)


def try_lock_transaction(lock: Lock, key: int) -> bool:
    """Take a lock until the current transaction ends, unless another connection holds it."""
    parameters = [lock, key & 0x7FFF_FFFF]
    return bool(sql.fetch_value("SELECT pg_try_advisory_xact_lock(%s, %s)", parameters))
