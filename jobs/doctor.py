"""Checks of the queues, the workers and the broker."""

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
from core.quantities import with_noun

from . import files, registry
from .models import Job, State
from .queues import QUEUES
from .wakeup import CONNECT_ONCE

# How long a job may be due before it is a finding. Long jobs wait for each other.
MAX_WAIT = {"quick": timedelta(minutes=1), "long": timedelta(hours=1)}
RECENTLY = timedelta(days=1)

START_WORKERS = (
    "Start the server, or its workers: python -m server.worker quick, python -m server.worker long"
)


@check("jobs.queue")
def check_queues() -> Findings:
    for queue in QUEUES:
        due = Job.objects.due(registry.names(queue))
        first = due.values_list("run_after", flat=True).first()
        waited = timezone.now() - first if first else timedelta()
        if waited > MAX_WAIT[queue]:
            jobs = with_noun(due.count(), f"{queue} job is", f"{queue} jobs are")
            yield error(
                f"{jobs} due, the first for {_format(waited)}.",
                f"{START_WORKERS}. If they are running, a job takes very long, or you need more "
                "workers: OPENMEMORY_QUICK_JOBS_AT_ONCE, OPENMEMORY_LONG_JOBS_AT_ONCE",
            )
        else:
            yield ok(f"No {queue} job has been due for longer than {_format(MAX_WAIT[queue])}.")


@check("jobs.leases")
def check_leases() -> Findings:
    """The next sweep, which any worker runs, takes jobs with an expired lease from dead workers."""
    grace = timedelta(seconds=3 * settings.JOBS_SWEEP_SECONDS)
    dead = Job.objects.filter(state=State.RUNNING, lease_until__lt=Now() - grace)
    if count := dead.count():
        yield error(
            f"{with_noun(count, 'job is', 'jobs are')} leased to dead workers.", START_WORKERS
        )
    else:
        yield ok("No job is leased to a dead worker.")


@check("jobs.failures")
def check_failures() -> Findings:
    recent = Job.objects.filter(state=State.FAILED, finished_at__gt=timezone.now() - RECENTLY)
    failed = Counter(recent.values_list("kind", flat=True))
    if failed:
        counts = [f"{count} of type {job_type}" for job_type, count in failed.most_common()]
        yield warning(
            f"{with_noun(failed.total(), 'job')} failed in the last day: {format_list(counts)}.",
            "See their errors in the admin, or at /api/v1/jobs?state=failed",
        )
    else:
        yield ok("No job failed in the last day.")


@check("jobs.kinds")
def check_job_types() -> Findings:
    jobs = Job.objects.unfinished().exclude(kind__in=registry.names())
    if unknown := sorted(set(jobs.values_list("kind", flat=True))):
        yield warning(
            f"This server cannot run jobs of these types: {format_list(unknown)}.",
            "They belong to another version of the server. Cancel them, or run that version",
        )
    else:
        yield ok("This server can run all unfinished jobs.")


@check("jobs.files")
def check_files() -> Findings:
    jobs = Job.objects.exclude(download="").order_by(F("finished_at").desc())
    names = jobs.values_list("download", flat=True)[:1000]
    missing = [name for name in names if not files.storage().exists(name)]
    if missing:
        yield warning(
            f"{with_noun(len(missing), 'file of a job is', 'files of jobs are')} missing.",
            "Share the folder jobs/ in the state folder among all machines that run the server",
        )
    else:
        yield ok("No file of a job is missing.")


@check("jobs.broker", requires=Requires.MACHINE)
def check_broker() -> Findings:
    connection = import_string(settings.CELERY_APP).connection_for_write(
        transport_options=CONNECT_ONCE
    )
    failures = (*connection.connection_errors, *connection.channel_errors)
    try:
        connection.ensure_connection(max_retries=1, interval_start=0.1, timeout=5)
    except (*failures, kombu.exceptions.KombuError, OSError) as failure:
        yield error(
            f"The broker is unreachable: {failure}.",
            "Jobs wait until it is back. Check CELERY_BROKER_URL and REDIS_URL",
        )
    else:
        yield ok("The broker is responding.")
    finally:
        connection.close()


def _format(duration: timedelta) -> str:
    return str(duration - timedelta(microseconds=duration.microseconds))
