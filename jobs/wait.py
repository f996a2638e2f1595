from __future__ import annotations

import threading
import time

from django.conf import settings
from django.db import connection

from .models import Job

FIRST_LOOK, LONGEST_PAUSE = 0.02, 0.25

# Half of the threads of this process go on answering whoever does not wait.
_room = threading.Semaphore(settings.WEB_THREADS // 2)


def wait(job: Job, seconds: float) -> Job:
    """Wait until a job has ended, so many seconds at most: the job as it is then.

    Who comes when too many wait already does not wait.
    """
    if _room.acquire(blocking=False):
        try:
            _wait(job, seconds)
        finally:
            _room.release()
    return job


def _wait(job: Job, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    pause = FIRST_LOOK
    job.refresh_from_db()
    while not job.is_finished and (left := deadline - time.monotonic()) > 0:
        if not connection.in_atomic_block:
            connection.close()  # others need it meanwhile
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, LONGEST_PAUSE)
        job.refresh_from_db()
