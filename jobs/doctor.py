"""Whether jobs are done: the queue, the workers and the broker that wakes them."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import kombu.exceptions
from django.conf import settings
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.module_loading import import_string

from core.checks import Findings, Requires, check, error, format_list, ok, warning

from . import files, registry
from .models import Job, State
from .queues import QUEUES
from .wakeup import ONCE

# How long a job may be due before somebody should know. Long ones wait for each other.
WAITING = {"quick": timedelta(minutes=1), "long": timedelta(hours=1)}
LATELY = timedelta(days=1)

START_WORKERS = "Start the server, or its workers: python -m server.worker quick, and long"


@check("jobs.queue")
def queue() -> Findings:
    for name in QUEUES:
        due = Job.objects.due(registry.names(name))
        first = due.values_list("run_after", flat=True).first()
        waited = timezone.now() - first if first else timedelta()
        if waited > WAITING[name]:
            yield error(
                f"{due.count()} {name} jobs are due, the first since {_said(waited)}.",
                f"{START_WORKERS}. If they run, one of their jobs takes very long, or more are "
                "needed: OPENMEMORY_QUICK_JOBS_AT_ONCE, OPENMEMORY_LONG_JOBS_AT_ONCE",
            )
        else:
            yield ok(f"No {name} job waits for longer than {_said(WAITING[name])}.")


@check("jobs.leases")
def leases() -> Findings:
    """One whose lease has ended is taken back by the next sweep, which any worker makes."""
    grace = timedelta(seconds=3 * settings.JOBS_SWEEP_SECONDS)
    dead = Job.objects.filter(state=State.RUNNING, lease_until__lt=Now() - grace)
    if number := dead.count():
        yield error(f"{number} jobs are leased to workers that died.", START_WORKERS)
    else:
        yield ok("No job is held by a worker that died.")


@check("jobs.failures")
def failures() -> Findings:
    lately = Job.objects.filter(state=State.FAILED, finished_at__gt=timezone.now() - LATELY)
    failed = Counter(lately.values_list("kind", flat=True))
    if failed:
        named = [f"{number} of kind {kind}" for kind, number in failed.most_common()]
        yield warning(
            f"{failed.total()} jobs failed in the last day: {format_list(named)}.",
            "Look at their errors in the admin, or at /api/v1/jobs?state=failed",
        )
    else:
        yield ok("No job failed in the last day.")


@check("jobs.kinds")
def unknown_kinds() -> Findings:
    known = registry.names()
    unknown = Job.objects.unfinished().exclude(kind__in=known).values_list("kind", flat=True)
    if named := sorted(set(unknown)):
        yield warning(
            f"There are jobs of kinds that nobody here can do: {format_list(named)}.",
            "They are of another version of the server. Cancel them, or run that version",
        )
    else:
        yield ok("Every job is of a kind that can be done.")


@check("jobs.files")
def downloads() -> Findings:
    kept = Job.objects.exclude(download="").order_by(F("finished_at").desc())
    names = kept.values_list("download", flat=True)[:1000]
    missing = [name for name in names if not files.storage().exists(name)]
    if missing:
        yield warning(
            f"{len(missing)} files of jobs are not where they were put.",
            "Share the folder jobs/ of the state folder between all machines that run the server",
        )
    else:
        yield ok("The files of jobs are there.")


@check("jobs.broker", requires=Requires.MACHINE)
def broker() -> Findings:
    connection = import_string(settings.CELERY_APP).connection_for_write(transport_options=ONCE)
    failures = (*connection.connection_errors, *connection.channel_errors)
    try:
        connection.ensure_connection(max_retries=1, interval_start=0.1, timeout=5)
    except (*failures, kombu.exceptions.KombuError, OSError) as problem:
        yield error(
            f"The broker does not answer: {problem}.",
            "Jobs wait until it does. See CELERY_BROKER_URL and REDIS_URL",
        )
    else:
        yield ok("The broker answers.")
    finally:
        connection.close()


def _said(time: timedelta) -> str:
    return str(time - timedelta(microseconds=time.microseconds))
