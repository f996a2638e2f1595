"""A worker's process: `python -m server.worker quick`, or `long`. On a single machine: both.

Any number of workers may run, on any number of machines. A worker for quick jobs also sends the
periodic tasks, unless `python -m server.worker beat` does so. Sending them twice does no harm.
Rationale: docs/decisions/0012-jobs.md.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import psutil
from celery import beat, exceptions, signals
from celery.apps.worker import Worker as CeleryWorker
from celery.worker import state

from core.observability import multiprocess
from server import bootstrap
from server.forks import FORK, watch_parent

if TYPE_CHECKING:
    from jobs.queues import Queue

CHECK_SECONDS = 1.0
# It keeps its schedule in memory: intervals start again after a restart.
SCHEDULER = "celery.beat:Scheduler"
# Seconds that a process has to end a job after its time limit, before it is killed.
GRACE_SECONDS = 60

# Set when this worker is asked to stop, in all of its processes.
stopping: Any = threading.Event()


class Worker(CeleryWorker):
    """A worker that stops silently, after its running jobs have finished or been released."""

    def install_platform_tweaks(self, worker: Any) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def _stop(self, *_: Any) -> None:
        stopping.set()
        state.should_stop = 0


def main(part: Queue | Literal["beat"]) -> None:
    if part != "quick":  # a process with one thread
        os.environ.setdefault("OPENMEMORY_DATABASE_POOL", "0")
    watch_parent(os.getppid(), _exit)
    _start_observability(part)
    if part == "beat":
        _run_beat()
    else:
        _run_worker(part)


def _run_worker(queue: Queue) -> None:
    from django.conf import settings

    if queue == "long":
        _share_stop_event_with_forks()
    worker = make_worker(
        f"{queue}@%h",
        queues=[settings.JOBS_QUEUES[queue]],
        concurrency=settings.WORKERS[queue],
        pool_cls="threads" if queue == "quick" else "prefork",
        time_limit=settings.JOBS_TIME_LIMITS[queue] + GRACE_SECONDS,
        max_memory_per_child=settings.WORKER_MEGABYTES * 1024,
    )
    if queue == "long":
        os.nice(settings.LONG_JOBS_NICENESS)
    else:
        _size_pool(settings.WORKERS[queue])
        _start_supervision(worker)
    worker.start()
    sys.exit(worker.exitcode)


def run_quick_jobs(*, ask_for_long_job: Callable[[], None]) -> None:
    """Run quick jobs in a fork of the server, and ask it for a process for each long job."""
    from django.conf import settings

    from core.observability import tracing
    from jobs import tasks

    _own_stop_event()
    tracing.start()
    tasks.ask_for_long_job = ask_for_long_job
    threads = settings.WORKERS["quick"] + 1  # one is free for messages about long jobs
    _size_pool(threads)
    worker = make_worker(
        "all@%h",
        queues=list(settings.JOBS_QUEUES.values()),
        concurrency=threads,
        pool_cls="threads",
    )
    _start_supervision(worker)
    worker.start()
    sys.exit(worker.exitcode)


def run_long_jobs() -> None:
    """Run the long jobs that are due, in a fork of the server: its memory is free afterwards."""
    from django.conf import settings
    from django.db import connections

    from core.observability import tracing
    from jobs import tasks, wakeup

    _own_stop_event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    os.nice(settings.LONG_JOBS_NICENESS)
    # The system ends it if a job does not notice that its time is over.
    signal.alarm(int(settings.JOBS_TIME_LIMITS["long"] + tasks.SHIFT_SECONDS + GRACE_SECONDS))
    _use_connection_per_thread()
    tracing.start()
    tasks.work_off("long")
    connections.close_all()
    wakeup.flush()
    tracing.stop()


def _own_stop_event() -> None:
    """Not that of the parent: one process that stops would stop all that are forked after it."""
    global stopping
    stopping = threading.Event()
    _share_stop_event()


def _share_stop_event_with_forks() -> None:
    """This needs /dev/shm, which a bare chroot does not have: only where jobs run in forks."""
    global stopping
    stopping = FORK.Event()


def _use_connection_per_thread() -> None:
    from django.db import connections

    connections.settings["default"]["OPTIONS"]["pool"] = False


def _size_pool(threads: int) -> None:
    """Have as many connections as these threads need, that of the leases and one more.

    Celery closes that of each task. From the pool, the next task gets it back, with the statements
    that it has prepared.
    """
    from django.db import connections

    pool = connections.settings["default"]["OPTIONS"]["pool"]
    if pool:
        pool["max_size"] = threads + 2


def _run_beat() -> None:
    """Send the periodic tasks until asked to stop."""
    from openmemory.celery import app

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    beat.Service(app, scheduler_cls=SCHEDULER).start()


def make_worker(name: str, **options: Any) -> Worker:
    """Make a worker. Quick jobs run in threads, long ones in processes."""
    from openmemory.celery import app

    # It warns about root because of a serializer that is disabled here.
    warnings.filterwarnings("ignore", category=exceptions.SecurityWarning)
    signals.worker_process_init.connect(_start_child)
    signals.worker_init.connect(_share_stop_event)
    return Worker(
        app=app,
        hostname=name,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
        **options,
    )


def _start_observability(part: str) -> None:
    """Set up metrics, serve them if configured, and trace quick jobs.

    Call it before importing any module that measures.
    """
    from django.conf import settings

    multiprocess.share_metrics(settings.METRICS_FOLDER, part)
    from core.observability import tracing

    if settings.WORKER_METRICS_PORT:
        multiprocess.serve_metrics(
            multiprocess.SharedMetrics(settings.METRICS_FOLDER), port=settings.WORKER_METRICS_PORT
        )
    tracing.start()


def _share_stop_event(**_: Any) -> None:
    from jobs import lease

    lease.stopping = stopping


def _start_child(**_: Any) -> None:
    """Set up a child process of the worker, which exits when the worker does."""
    from core.observability import tracing

    watch_parent(os.getppid(), _exit)
    tracing.start()


def _start_supervision(worker: Worker) -> None:
    from django.conf import settings

    beats = settings.QUICK_WORKERS_BEAT
    threading.Thread(target=_supervise, args=[worker.app, beats], daemon=True).start()


def _supervise(app: Any, beats: bool) -> None:
    """Stop this process when it uses too much memory. The supervisor restarts it.

    With `beats`, also send the periodic tasks, and stop when that fails.
    """
    from django.conf import settings

    periodic = beat.EmbeddedService(app, thread=True, scheduler_cls=SCHEDULER)
    if beats:
        periodic.start()
    process = psutil.Process()
    max_bytes = settings.WORKER_MEGABYTES * 2**20
    while periodic.is_alive() == beats and process.memory_info().rss < max_bytes:
        time.sleep(CHECK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def _exit() -> None:
    os._exit(1)


if __name__ == "__main__":
    with bootstrap.report_invalid_settings():
        main(sys.argv[1])  # type: ignore[arg-type]
