"""Wait for jobs within requests, so that others do not notice how many wait.

A request that waits holds a thread and nothing else: one thread per process asks the database about
all jobs that are waited for. It asks often at first, and less often the longer they take, so that
an answer is late by a small part of the time that its job took.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.conf import settings
from django.db import connection

from core import processor_turns, sql
from core.api.shutdown import stopping

from .models import Job
from .models.job import UNFINISHED

log = structlog.get_logger(__name__)

# Seconds between two questions to the database: this share of the shortest wait, within these.
POLL_SHARE = 0.1
MIN_POLL_SECONDS = 0.005
MAX_POLL_SECONDS = 0.1

UNFINISHED_OF = "SELECT id FROM jobs_job WHERE id = ANY(%s) AND state = ANY(%s)"

# Of the threads of this process. The others stay free for requests that do not wait, and one user
# leaves room for other users.
MAX_WAITING: int = settings.WEB_THREADS // 2
MAX_WAITING_PER_USER: int = max(1, settings.WEB_THREADS // 8)


def wait(job: Job, seconds: float) -> Job:
    """Wait until a job has finished, for this many seconds at most, and return it refreshed.

    It returns at once when too many requests are waiting.
    """
    with _slot(job.owner_id) as is_free:
        if is_free:
            if not connection.in_atomic_block:
                connection.close()  # another thread may need it meanwhile
            with processor_turns.interrupted():
                _watcher.wait(job.pk, seconds)
            job.refresh_from_db()
    return job


_waiting: Counter[uuid.UUID | None] = Counter()
_waiting_changes = threading.Lock()


@contextmanager
def _slot(user: uuid.UUID | None) -> Iterator[bool]:
    with _waiting_changes:
        is_free = _waiting.total() < MAX_WAITING and _waiting[user] < MAX_WAITING_PER_USER
        _waiting[user] += is_free
    try:
        yield is_free
    finally:
        with _waiting_changes:
            _waiting[user] -= is_free
            if not _waiting[user]:
                del _waiting[user]


class Watcher:
    """Tells waiting threads when their jobs have finished. Its thread lives while any waits."""

    def __init__(self) -> None:
        self._ended: dict[threading.Event, tuple[uuid.UUID, float]] = {}  # since when
        self._changes = threading.Condition()
        self._thread: threading.Thread | None = None

    def wait(self, job: uuid.UUID, seconds: float) -> None:
        """Return when the job has finished, or the database or this process is about to stop."""
        ended = threading.Event()
        with self._changes:
            self._ended[ended] = job, time.monotonic()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="wait", daemon=True)
                self._thread.start()
            self._changes.notify_all()
        try:
            ended.wait(seconds)
        finally:
            with self._changes:
                del self._ended[ended]

    def _run(self) -> None:
        while waits := self._waits():
            try:
                unfinished = self._unfinished({job for job, _ in waits.values()})
            except Exception:
                # Whoever waited asks the database, and fails as others do. Without this thread,
                # all would wait in vain.
                log.exception("jobs that are waited for could not be read")
                unfinished = set()
            for ended, (job, _) in waits.items():
                if job not in unfinished or stopping.is_set():
                    ended.set()
            self._pause()

    def _pause(self) -> None:
        """Pause before the next question, or until somebody else begins to wait."""
        with self._changes:
            last = max((since for _, since in self._ended.values()), default=0.0)
            seconds = POLL_SHARE * (time.monotonic() - last)
            self._changes.wait(min(max(seconds, MIN_POLL_SECONDS), MAX_POLL_SECONDS))

    def _waits(self) -> dict[threading.Event, tuple[uuid.UUID, float]]:
        """The jobs that are waited for, and since when. Without any, the thread ends."""
        with self._changes:
            if not self._ended:
                self._thread = None
            return dict(self._ended)

    def _unfinished(self, jobs: set[uuid.UUID]) -> set[uuid.UUID]:
        try:
            return set(sql.fetch_column(UNFINISHED_OF, [list(jobs), list(UNFINISHED)]))
        finally:
            connection.close()


_watcher = Watcher()
