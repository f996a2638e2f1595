"""Read the memories of a user as they were at a moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone
from django.utils.functional import cached_property

from accounts.models import User
from core import clock
from core.errors import Malformed
from core.sql import execute, fetch_value
from memories.models import LogLine

from .past_views import SCHEMA

ENTER = """
SELECT set_config('openmemory.as_of_user', %s, true), set_config('openmemory.as_of_line', %s, true),
    set_config('openmemory.as_of_moment', %s, true),
    -- The hashes of past_views.py are to fit; to start workers takes longer than they save.
    set_config('work_mem', '64MB', true), set_config('max_parallel_workers_per_gather', '0', true),
    set_config('jit', 'off', true),
    set_config('search_path', %s || ', ' || current_setting('search_path'), true)
"""
IS_LAST = "SELECT sequence = %s FROM memories_logchain WHERE user_id = %s"
LEAVE = "SELECT set_config('search_path', %s, true)"

# The memories of then that have been purged since.
COUNT_ERASED = """
SELECT count(DISTINCT gone.memory_id) FROM memories_logline AS gone
WHERE gone.user_id = %(user)s AND gone.sequence > %(line)s AND gone.kind IN ('purged', 'erased')
    AND EXISTS (
        SELECT FROM memories_logline AS known
        WHERE known.memory_id = gone.memory_id AND known.sequence <= %(line)s
    )
"""


class BeforeLog(Malformed):
    """What was known then was not logged yet."""

    code = "before_log"


class InFuture(Malformed):
    """This moment is in the future."""

    code = "future"


@dataclass(frozen=True)
class Past:
    """The memories of a user after a line of the log: as they were at a moment."""

    user: User
    moment: datetime
    line: int

    @classmethod
    def at(cls, moment: datetime, *, user: User, field: str = "as_of") -> Past:
        """Raises InFuture and BeforeLog, about the field of the request that names the moment."""
        if moment > timezone.now():
            raise InFuture(field=field)
        line = fetch_value("SELECT memories_sequence_at(%s, %s)", [user.pk, moment])
        if not line:
            raise _before_log(user, field)
        return cls(user, moment, line)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Have all statements of this block read the past. Nothing is to be changed in it.

        It is a transaction: see past_views.py. Memories are serialized in it, or while `showing()`.
        """
        # In a longer transaction, which tests are, the setting would outlive this block.
        former = fetch_value("SHOW search_path") if connection.in_atomic_block else None
        with transaction.atomic(), clock.set_to(self.moment):
            if former is None:
                # What is read is of one moment, too.
                execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            if fetch_value(IS_LAST, [self.line, self.user.pk]):
                yield  # nothing has changed since
                return
            execute(ENTER, [str(self.user.pk), str(self.line), self.moment.isoformat(), SCHEMA])
            yield
            if former is not None:
                execute(LEAVE, [former])

    def showing(self) -> AbstractContextManager[None]:
        return clock.set_to(self.moment)

    @cached_property
    def erased(self) -> int:
        """How many memories of then are missing, because they have been purged since."""
        count: int = fetch_value(COUNT_ERASED, {"user": self.user.pk, "line": self.line})
        return count


def _before_log(user: User, field: str) -> BeforeLog:
    first = LogLine.objects.of_user(user).after(0).values_list("at", flat=True).first()
    if first is None:
        return BeforeLog("The log begins with the first memory, and there is none.", field=field)
    began = first.isoformat().replace("+00:00", "Z")
    return BeforeLog(f"{BeforeLog.__doc__} The log begins at {began}.", field=field)
