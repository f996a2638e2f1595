"""Wake-up messages to the workers.

A message only names a queue. So several at once can become one, a lost one costs only time, and a
superfluous one costs a query.
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

# Seconds within which all messages to a queue become one. A job that follows another one waits for
# no longer than this.
BATCH_SECONDS = 0.01
# Seconds for each message in the long run, after so many at once. They bound how fast the broker
# fills when jobs are enqueued without end and no worker runs.
MESSAGE_SECONDS = 0.1
BURST = 200
# Seconds until an unreachable broker is tried again.
RETRY_SECONDS = 5.0
# Seconds that an exiting process waits until its last messages are sent.
EXIT_SECONDS = 1.0
# Kombu tries to connect once: this module does the retries.
CONNECT_ONCE = {"max_retries": 1, "interval_start": 0.1, "interval_step": 0, "interval_max": 0.1}
# Seconds after which a message is worthless: the sweep has sent another one by then.
EXPIRY = 60


class Pace:
    """How soon the next message may be sent: at once after a rest, and slowly without end."""

    def __init__(self) -> None:
        self._paid_until = time.monotonic()

    def next_pause(self) -> float:
        """The seconds to wait after this message."""
        now = time.monotonic()
        self._paid_until = max(self._paid_until + MESSAGE_SECONDS, now)
        return max(BATCH_SECONDS, self._paid_until - now - BURST * MESSAGE_SECONDS)


def wake_worker(queue: Queue) -> None:
    """Wake a worker of this queue soon. Never fails, and never waits for the broker."""
    _sender().send(queue)


def flush() -> None:
    """Wait until all messages are sent. A process that runs no exit handlers calls it last."""
    _sender().flush()


class WakeupSender:
    """Sends from a thread, as no timeout reliably bounds a call to an unreachable broker."""

    def __init__(self) -> None:
        self._queues: set[Queue] = set()  # whose workers to wake
        self._sending: set[Queue] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._connection: Any = None
        self._unreachable = False
        self._pace = Pace()

    def send(self, queue: Queue) -> None:
        with self._changed:
            self._queues.add(queue)
            # A thread does not survive a fork.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="wakeup", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def flush(self) -> None:
        """Wait until all messages are sent, unless the broker is unreachable."""
        with self._changed:
            self._changed.wait_for(lambda: self._unreachable or self._all_sent(), EXIT_SECONDS)

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
            time.sleep(self._pace.next_pause() if sent else RETRY_SECONDS)

    def _send(self) -> bool:
        app = import_string(settings.CELERY_APP)
        connection = self._connection or app.connection_for_write(transport_options=CONNECT_ONCE)
        try:
            for queue in self._sending:
                _publish(app, connection, queue)
        except (*connection.connection_errors, *connection.channel_errors, KombuError) as error:
            self._note_unreachable(error)
            connection.close()
            self._connection = None
            return False
        if self._unreachable:
            log.warning("the broker is reachable again")
        self._connection, self._unreachable = connection, False
        return True

    def _note_unreachable(self, error: Exception) -> None:
        if not self._unreachable:
            log.warning("the broker is unreachable: jobs wait for it", reason=str(error))
        self._unreachable = True


def _publish(app: Any, connection: Any, queue: Queue) -> None:
    app.send_task(
        "jobs.work_off",
        args=[queue],
        queue=settings.JOBS_QUEUES[queue],
        connection=connection,
        expires=EXPIRY,
        retry=False,
        ignore_result=True,
    )


@cache
def _sender() -> WakeupSender:
    sender = WakeupSender()
    atexit.register(sender.flush)
    return sender
