"""Read the memories of a user as they were at a moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import TypeVar

from django.db import connection, transaction
from django.utils import timezone
from django.utils.functional import cached_property

from accounts.models import User
from apps_registry.models import App
from core import clock
from core.errors import Malformed, Unavailable
from core.locks import Lock
from core.sql import execute, fetch_value
from memories.models import LogLine, Memory

from .past_views import (
    FEW_SCHEMA,
    HELD_SCHEMA,
    NAMES_SCHEMA,
    SCHEMA,
    UNCHANGED_SCHEMA,
    UNCHANGED_VECTORS_SCHEMA,
)

# Together, in one round trip: the views stay until the transaction ends. The path is that of now
# where nothing has changed since.
ENTER = f"""
SELECT pg_advisory_xact_lock_shared(%(lock)s);
SELECT to_regclass('{NAMES_SCHEMA}.memories_category') IS NOT NULL AS are_made,
    past.path, entered.path, past.is_last,
    set_config('search_path', CASE WHEN past.is_last THEN past.path
        ELSE %(part)s || ', ' || entered.path END, true),
    set_config('openmemory.as_of_user', %(user)s, true),
    set_config('openmemory.as_of_line', %(line)s, true),
    set_config('openmemory.as_of_moment', %(moment)s, true),
    -- The hashes of past_views.py are to fit; to start workers takes longer than they save.
    set_config('work_mem', '64MB', true), set_config('max_parallel_workers_per_gather', '0', true),
    set_config('jit', 'off', true)
FROM (
    SELECT current_setting('search_path') AS path, coalesce((
        SELECT sequence = %(line)s::bigint FROM memories_logchain WHERE user_id = %(user)s
    ), false) AS is_last, EXISTS (
        SELECT FROM memories_logline
        WHERE user_id = %(user)s AND sequence > %(line)s::bigint AND memory_id IS NULL
            AND kind = 'renamed'
    ) AS is_renamed
    OFFSET 0
) AS past CROSS JOIN LATERAL (
    SELECT CASE WHEN past.is_renamed THEN '{NAMES_SCHEMA}, ' ELSE '' END || past.path AS path
) AS entered
"""  # noqa: S608 - a constant
SET_PATH = "SELECT set_config('search_path', %s, true)"
# By hashes: PostgreSQL expects three lines to have held where there are thousands.
USE_HASHES = "SELECT set_config('enable_nestloop', %s, true)"

# The memories of then that have been purged since.
COUNT_ERASED = """
SELECT count(DISTINCT gone.memory_id) FROM memories_logline AS gone
WHERE gone.user_id = %(user)s AND gone.sequence > %(line)s AND gone.kind IN ('purged', 'erased')
    AND EXISTS (
        SELECT FROM memories_logline AS known
        WHERE known.memory_id = gone.memory_id AND known.sequence <= %(line)s
    )
"""


T = TypeVar("T")


class BeforeLog(Malformed):
    """What was known then was not logged yet."""

    code = "before_log"


class InFuture(Malformed):
    """This moment is in the future."""

    code = "future"


class PastUnavailable(Unavailable):
    """The past cannot be read while the server is being upgraded. Try again in a while."""

    code = "past_unavailable"


class Part(Enum):
    """What of the memories the statements of a block read, by the schemas of past_views.py."""

    ALL = (SCHEMA,)
    UNCHANGED = (UNCHANGED_SCHEMA,)
    UNCHANGED_VECTORS = (UNCHANGED_VECTORS_SCHEMA,)
    HELD = (HELD_SCHEMA, SCHEMA)  # what has changed since, as it was
    FEW = (FEW_SCHEMA, SCHEMA)  # all, for a statement about few
    PRESENT = ()


@dataclass
class Past:
    """The memories of a user after a line of the log: as they were at a moment."""

    user: User
    moment: datetime
    line: int
    # The path of all parts, while `reading()` and if anything has changed since.
    _path: str | None = field(default=None, init=False, repr=False)

    @classmethod
    def at(
        cls, moment: datetime, *, user: User, app: App | None = None, field: str = "as_of"
    ) -> Past:
        """Raises InFuture and BeforeLog, about the field of the request that names the moment.

        For an app that rules restrict, the log begins with the first memory that it may read: it
        does not learn that there are others.
        """
        if moment > timezone.now():
            raise InFuture(field=field)
        line = fetch_value("SELECT memories_sequence_at(%s, %s)", [user.pk, moment])
        lines = LogLine.objects.of_user(user)
        if app is not None and app.rules.exists():
            readable = Memory.objects.owned_by(user).readable_by(app).unexpired()
            lines = lines.filter(memory_id__in=readable.values("pk"))
        elif line:
            return cls(user, moment, line)
        first = lines.after(0).values_list("sequence", "at").first()
        if first is None or first[0] > line:
            raise _before_log(first and first[1], field)
        return cls(user, moment, line)

    @contextmanager
    def reading(self, part: Part = Part.ALL) -> Iterator[None]:
        """Have all statements of this block read the past. Nothing is to be changed in it.

        It is a transaction: see past_views.py. Memories are serialized in it, or while `showing()`.
        """
        is_outermost = not connection.in_atomic_block
        with transaction.atomic(), clock.set_to(self.moment):
            if is_outermost:
                # What is read is of one moment, too.
                execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            path, self._path = self._enter(part)
            try:
                yield
            finally:
                is_entered, self._path = self.differs, None
            if is_entered and not is_outermost:  # else the setting ends with the transaction
                execute(SET_PATH, [path])

    def _enter(self, part: Part) -> tuple[str, str | None]:
        """Return the path of now, and the one of the parts' names if anything has changed since.

        Raises PastUnavailable.
        """
        settings: dict[str, str | int] = {
            "lock": int(Lock.PAST_VIEWS),
            "part": ", ".join(part.value),
            "user": str(self.user.pk),
            "line": str(self.line),
            "moment": self.moment.isoformat(),
        }
        with connection.cursor() as cursor:
            cursor.execute(ENTER, settings)
            cursor.nextset()
            [(are_made, path, entered, is_last, *_)] = cursor.fetchall()
        if not are_made and not is_last:
            raise PastUnavailable
        return path, None if is_last else entered

    @property
    def differs(self) -> bool:
        """Whether anything has changed since. While `reading()`."""
        return self._path is not None

    @contextmanager
    def reading_part(self, part: Part) -> Iterator[None]:
        """Have the statements of this block read one part of the past, if it `differs`."""
        if self.differs:
            self._read(part)
        yield
        if self.differs:
            self._read(Part.ALL)

    def _read(self, part: Part) -> None:
        execute(SET_PATH, [", ".join([*part.value, self._path or ""])])

    def in_parts(
        self,
        read: Callable[[], T],
        read_held: Callable[[], T] | None = None,
        *,
        by_vectors: bool = False,
    ) -> list[T]:
        """Read what has not changed since, and what has, if that is not read in another way.

        PostgreSQL passes an order and a limit on to both. `by_vectors`: the statement joins the
        vectors of memories. While `reading()`.
        """
        if not self.differs:
            return [read()]
        self._read(Part.UNCHANGED_VECTORS if by_vectors else Part.UNCHANGED)
        results = [read()]
        with self.reading_part(Part.HELD), _by_hashes(by_vectors):
            results.append((read_held or read)())
        return results

    def showing(self) -> AbstractContextManager[None]:
        return clock.set_to(self.moment)

    @cached_property
    def erased(self) -> int:
        """How many memories of then are missing, because they have been purged since."""
        count: int = fetch_value(COUNT_ERASED, {"user": self.user.pk, "line": self.line})
        return count


@contextmanager
def _by_hashes(is_needed: bool) -> Iterator[None]:
    if is_needed:
        execute(USE_HASHES, ["off"])
    yield
    if is_needed:
        execute(USE_HASHES, ["on"])


def _before_log(first: datetime | None, field: str) -> BeforeLog:
    if first is None:
        return BeforeLog("The log begins with the first memory, and there is none.", field=field)
    began = first.isoformat().replace("+00:00", "Z")
    return BeforeLog(f"{BeforeLog.__doc__} The log begins at {began}.", field=field)
