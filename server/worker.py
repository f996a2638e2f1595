"""A worker's process: `python -m server.worker quick`, or `long`.

Any number may run, on any number of machines. A worker for quick jobs also sends what is to be done
from time to time, unless `python -m server.worker beat` does; two that send it do no harm. Why
so: docs/decisions/0012-jobs.md.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
import warnings
from typing import TYPE_CHECKING, Any, Literal

import psutil
from celery import beat, exceptions, signals
from celery.apps.worker import Worker as CelerysWorker
from celery.worker import state

from core.observability import multiprocess
from server import bootstrap
from server.web import follow_parent

if TYPE_CHECKING:
    from jobs.queues import Queue

LOOK_SECONDS = 1.0
# With its schedule in memory: after a restart an interval begins anew.
SCHEDULER = "celery.beat:Scheduler"
# Seconds that a process has to end a job that took too long, before it is killed.
OVERTIME = 60

# Set for every process of this worker when it is told to stop.
stopping = multiprocessing.Event()


class Worker(CelerysWorker):
    """A worker that stops without a word, once the jobs in hand have ended or were put back."""

    def install_platform_tweaks(self, worker: Any) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def _stop(self, *_: Any) -> None:
        stopping.set()
        state.should_stop = 0


def main(part: Queue | Literal["beat"]) -> None:
    # Each thread has one connection for as long as it works, and needs no pool.
    os.environ.setdefault("OPENMEMORY_DATABASE_POOL", "0")
    follow_parent(os.getppid(), _end)
    _watch_over(part)
    if part == "beat":
        _send_periodic()
    else:
        _work(part)


def _work(queue: Queue) -> None:
    from django.conf import settings

    worker = make_worker(queue)
    if queue == "quick":
        beats = settings.QUICK_WORKERS_BEAT
        threading.Thread(target=_watch, args=[worker.app, beats], daemon=True).start()
    worker.start()
    sys.exit(worker.exitcode)


def _send_periodic() -> None:
    """Send what is to be done from time to time, and do nothing else, until told to stop."""
    from openmemory.celery import app

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    beat.Service(app, scheduler_cls=SCHEDULER).start()


def make_worker(queue: Queue) -> Worker:
    """Make the worker of a queue. Quick jobs run in threads, long ones in processes."""
    from django.conf import settings

    from openmemory.celery import app

    # It warns of root because of a serializer that is not let in here.
    warnings.filterwarnings("ignore", category=exceptions.SecurityWarning)
    if queue == "long":
        os.nice(settings.LONG_JOBS_NICENESS)
    signals.worker_process_init.connect(_follow_worker)
    signals.worker_init.connect(_know_when_to_stop)
    return Worker(
        app=app,
        hostname=f"{queue}@%h",
        queues=[settings.JOBS_QUEUES[queue]],
        concurrency=settings.WORKERS[queue],
        pool_cls="threads" if queue == "quick" else "prefork",
        time_limit=settings.JOBS_TIME_LIMITS[queue] + OVERTIME,
        max_memory_per_child=settings.WORKER_MEGABYTES * 1024,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    )


def _watch_over(part: str) -> None:
    """Measure what is done here; answer for it where no web server does; trace quick jobs.

    Before anything is imported that measures.
    """
    from django.conf import settings

    multiprocess.share_metrics(settings.METRICS_FOLDER, part)
    from core.observability import tracing

    if settings.WORKER_METRICS_PORT:
        multiprocess.serve_metrics(
            multiprocess.SharedMetrics(settings.METRICS_FOLDER), port=settings.WORKER_METRICS_PORT
        )
    tracing.start()


def _know_when_to_stop(**_: Any) -> None:
    from jobs import lease

    lease.stopping = stopping


def _follow_worker(**_: Any) -> None:
    """Die with the worker, however it dies: from inside a process that it made."""
    from core.observability import tracing

    follow_parent(os.getppid(), _end)
    tracing.start()


def _watch(app: Any, beats: bool) -> None:
    """End this process, which is to be started again, once it has grown too large.

    With `beats` it sends what is to be done from time to time, and ends when that fails, too.
    """
    from django.conf import settings

    periodic = beat.EmbeddedService(app, thread=True, scheduler_cls=SCHEDULER)
    if beats:
        periodic.start()
    process = psutil.Process()
    most = settings.WORKER_MEGABYTES * 2**20
    while periodic.is_alive() == beats and process.memory_info().rss < most:
        time.sleep(LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def _end() -> None:
    os._exit(1)


if __name__ == "__main__":
    with bootstrap.explained():
        main(sys.argv[1])  # type: ignore[arg-type]
