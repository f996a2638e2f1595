from __future__ import annotations

import threading
import time

from django.conf import settings
from django.db import connection

from .models import Job

FIRST_POLL_SECONDS, MAX_POLL_SECONDS = 0.02, 0.25

# Half of the threads of this process stay free for requests that do not wait.
_slots = threading.Semaphore(settings.WEB_THREADS // 2)


def wait(job: Job, seconds: float) -> Job:
    """Wait until a job has finished, for this many seconds at most, and return it refreshed.

    It returns at once when too many requests are waiting.
    """
    if _slots.acquire(blocking=False):
        try:
            _poll(job, seconds)
        finally:
            _slots.release()
    return job


def _poll(job: Job, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    interval = FIRST_POLL_SECONDS
    job.refresh_from_db()
    while not job.is_finished and (remaining := deadline - time.monotonic()) > 0:
        if not connection.in_atomic_block:
            connection.close()  # another thread may need it meanwhile
        time.sleep(min(interval, remaining))
        interval = min(interval * 1.5, MAX_POLL_SECONDS)
        job.refresh_from_db()
