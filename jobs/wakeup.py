"""Telling the workers that there is something to do.

A message names a lane, and nothing else: so many at once can be one, a lost one costs nothing but
time, and one too many costs a look into the database.
"""

from __future__ import annotations

import atexit
import threading
import time
from functools import cache
from typing import Any

import structlog
from django.conf import settings
from django.utils.module_loading import import_string
from kombu.exceptions import KombuError

from .queues import Queue

log = structlog.get_logger(__name__)

# Seconds within which all nudges of a lane become one: what queues jobs without an end, while no
# worker is there, fills the broker no faster.
REST = 0.2
# Seconds until a broker that was away is asked again.
PAUSE = 5.0
# Seconds that a process that ends waits for its last messages to be sent.
FAREWELL = 1.0
# A connection is made once: when to try again is up to this module.
ONCE = {"max_retries": 1, "interval_start": 0.1, "interval_step": 0, "interval_max": 0.1}
# Seconds after which a message is worth nothing: the sweep has sent another by then.
EXPIRES = 60


def wake_worker(queue: Queue) -> None:
    """Wake a worker, sooner or later. Never fails, and never waits for the broker."""
    _messenger().send(queue)


class Messenger:
    """Sends from a thread, as nothing bounds for sure how long a broker that is away takes."""

    def __init__(self) -> None:
        self._queues: set[Queue] = set()  # that are to be told
        self._sending: set[Queue] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._connection: Any = None
        self._away = False

    def send(self, queue: Queue) -> None:
        with self._changed:
            self._queues.add(queue)
            # A thread does not outlive a fork.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="wakeup", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def flush(self) -> None:
        """Wait until all is sent, but not for a broker that is away."""
        with self._changed:
            self._changed.wait_for(lambda: self._away or self._all_sent(), FAREWELL)

    def _all_sent(self) -> bool:
        return not self._queues and not self._sending

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queues)
                self._sending, self._queues = self._queues, set()
            sent = self._send()
            with self._changed:
                self._queues |= set() if sent else self._sending
                self._sending = set()
                self._changed.notify_all()
            time.sleep(REST if sent else PAUSE)

    def _send(self) -> bool:
        app = import_string(settings.CELERY_APP)
        connection = self._connection or app.connection_for_write(transport_options=ONCE)
        try:
            for queue in self._sending:
                _publish(app, connection, queue)
        except (*connection.connection_errors, *connection.channel_errors, KombuError) as error:
            self._told_away(error)
            connection.close()
            self._connection = None
            return False
        if self._away:
            log.warning("the broker is back")
        self._connection, self._away = connection, False
        return True

    def _told_away(self, error: Exception) -> None:
        if not self._away:
            log.warning("the broker is away: jobs wait for it", reason=str(error))
        self._away = True


def _publish(app: Any, connection: Any, queue: Queue) -> None:
    app.send_task(
        "jobs.work_off",
        args=[queue],
        queue=settings.JOBS_QUEUES[queue],
        connection=connection,
        expires=EXPIRES,
        retry=False,
        ignore_result=True,
    )


@cache
def _messenger() -> Messenger:
    messenger = Messenger()
    atexit.register(messenger.flush)
    return messenger
