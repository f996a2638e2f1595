"""Read the memories of a user as they were at a moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import TypeVar

from django.db import connection, transaction
from django.db.models.expressions import RawSQL
from django.utils import timezone
from django.utils.functional import cached_property

from accounts.models import User
from apps_registry.models import App
from core import clock
from core.errors import Malformed, Unavailable
from core.locks import Lock
from core.sql import execute, fetch_value
from memories.models import LogLine, Memory
from memories.models.memory import MemoryQuerySet

from .past_views import (
    HELD_SCHEMA,
    NAMES_SCHEMA,
    SCHEMA,
    UNCHANGED_SCHEMA,
    UNCHANGED_VECTORS_SCHEMA,
)

# Together, in one round trip: the views stay until the transaction ends.
ENTER = f"""
SELECT pg_advisory_xact_lock_shared(%s);
SELECT to_regclass('{NAMES_SCHEMA}.memories_category') IS NOT NULL, EXISTS (
        SELECT FROM memories_logline
        WHERE user_id = %s AND sequence > %s AND memory_id IS NULL AND kind = 'renamed'
    ),
    current_setting('search_path'),
    set_config('openmemory.as_of_user', %s, true), set_config('openmemory.as_of_line', %s, true),
    set_config('openmemory.as_of_moment', %s, true),
    -- The hashes of past_views.py are to fit; to start workers takes longer than they save.
    set_config('work_mem', '64MB', true), set_config('max_parallel_workers_per_gather', '0', true),
    set_config('jit', 'off', true)
"""  # noqa: S608 - a constant
IS_LAST = "SELECT sequence = %s FROM memories_logchain WHERE user_id = %s"
SET_PATH = "SELECT set_config('search_path', %s, true)"
# By hashes: PostgreSQL expects three lines to have held where there are thousands.
USE_HASHES = "SELECT set_config('enable_nestloop', %s, true)"

# The memories of the user that have changed since, by their ids.
CHANGED = """
SELECT DISTINCT memory_id FROM memories_logline
WHERE user_id = %s AND sequence > %s AND memory_id IS NOT NULL
"""

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
    def reading(self) -> Iterator[None]:
        """Have all statements of this block read the past. Nothing is to be changed in it.

        It is a transaction: see past_views.py. Memories are serialized in it, or while `showing()`.
        """
        is_outermost = not connection.in_atomic_block
        with transaction.atomic(), clock.set_to(self.moment):
            if is_outermost:
                # What is read is of one moment, too.
                execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            if fetch_value(IS_LAST, [self.line, self.user.pk]):
                yield  # nothing has changed since
                return
            path, self._path = self._enter()
            self._read(Part.ALL)
            try:
                yield
            finally:
                self._path = None
            if not is_outermost:  # else the setting ends with the transaction
                execute(SET_PATH, [path])

    def _enter(self) -> tuple[str, str]:
        """Raises PastUnavailable. Returns the path of now, and the one of the parts' names."""
        settings = [str(self.user.pk), str(self.line), self.moment.isoformat()]
        with connection.cursor() as cursor:
            cursor.execute(ENTER, [Lock.PAST_VIEWS, self.user.pk, self.line, *settings])
            cursor.nextset()
            [(are_made, is_renamed, path, *_)] = cursor.fetchall()
        if not are_made:
            raise PastUnavailable
        return path, f"{NAMES_SCHEMA}, {path}" if is_renamed else path

    @property
    def differs(self) -> bool:
        """Whether anything has changed since. While `reading()`."""
        return self._path is not None

    @contextmanager
    def reading_part(self, part: Part) -> Iterator[None]:
        """Have the statements of this block read one part of the past, while it `differs`."""
        self._read(part)
        yield
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

    def count(self, memories: MemoryQuerySet, *, held: int | None = None) -> int:
        """Count these memories: those of now but for the changed ones, and these as they were.

        `held`: how many these are, if that is known.
        """
        if not self.differs:
            return memories.count()
        changed = RawSQL(CHANGED, [self.user.pk, self.line])  # noqa: S611 - a constant
        with self.reading_part(Part.PRESENT):
            unchanged = memories.count() - memories.filter(pk__in=changed).count()
        if held is None:
            with self.reading_part(Part.HELD):
                held = memories.count()
        return unchanged + held

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
