"""The job types that this server can run.

A job type is declared beside the function that does the job, which takes a `JobRun`:

    @job_type("reembed", queue="long", attempts=200, retries_on=(RateLimited,))
    def reembed(run: JobRun) -> None: ...

    reembed.enqueue(owner=user, parameters={"hold": False}, queueing_lock="reembed")

Code that enqueues a job may live below that function, and must not import it. Then the lower
module declares the job type, and the upper one gives it its function:

    # memories/lifecycle/inference_jobs.py
    INFER = JobType("infer", retries_on=TRANSIENT_FAILURES)
    INFER.enqueue(owner=memory.user, parameters={"memory_id": str(memory.pk)})

    # memories/inference/jobs.py
    @INFER.function
    def infer(run: JobRun) -> None: ...

A job type is registered once it has its function. At startup Django imports the module `jobs` of
each app, which imports the modules with these functions.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import timedelta
from functools import partial
from typing import IO, Any, TypedDict, Unpack

from django.db import transaction

from accounts.models import User
from core.observability import tracing

from . import files
from .job_run import JobRun
from .models import Job
from .queues import Queue
from .wakeup import wake_worker

MAX_BACKOFF = 600.0  # seconds

JobFunction = Callable[[JobRun], None]


@dataclass(frozen=True)
class JobType:
    """A type of job: where it is queued, and how often it is retried.

    Its function must be idempotent, as each attempt runs it from the beginning. An attempt that
    fails with one of `retries_on`, or because the database or the broker was unreachable, is
    retried until there have been `attempts`. `backoff` is the delay before the second attempt in
    seconds; it triples with each attempt. Users did not ask for `hidden` jobs: lists of jobs
    show these once they have failed.
    """

    name: str
    _: KW_ONLY
    queue: Queue = "quick"
    attempts: int = 5
    retries_on: tuple[type[Exception], ...] = ()
    backoff: float = 5.0
    hidden: bool = False

    def function(self, function: JobFunction) -> JobFunction:
        """Register the decorated function as the one that does jobs of this type."""
        if _registry.setdefault(self.name, (self, function)) != (self, function):
            raise ValueError(f"There are two job types named {self.name!r}.")
        return function

    def run(self, job_run: JobRun) -> None:
        _, function = _registry[self.name]
        function(job_run)

    def enqueue(
        self,
        *,
        owner: User | None,
        parameters: dict[str, Any] | None = None,
        queueing_lock: str = "",
        upload: IO[bytes] | None = None,
        app_name: str = "",
    ) -> Job:
        """Enqueue a job in the caller's transaction. A rollback discards it.

        With a `queueing_lock`, return the unfinished job of this type with the same lock if there
        is one. A job enqueued through an app, `app_name`, is visible to keys of that app, too. A
        job without an owner is the server's own and visible to no key.
        """
        job = Job(
            kind=self.name,
            owner=owner,
            parameters=parameters or {},
            queueing_lock=queueing_lock,
            app_name=app_name,
            trace=tracing.current_traceparent(),
        )
        if upload is not None:
            job.upload = files.store_upload(job, upload)
        try:
            enqueued = _insert_once(job) if queueing_lock else _insert(job)
        except BaseException:
            files.remove_all(job.pk)
            raise
        if enqueued.pk != job.pk:
            files.remove_all(job.pk)
        # A lost message delays the job until the next sweep.
        transaction.on_commit(partial(wake_worker, self.queue))
        return enqueued

    def enqueue_many(
        self, *, owner: User, parameters: Sequence[dict[str, Any]], app_names: Sequence[str]
    ) -> list[Job]:
        """Enqueue a job for each of these, in the caller's transaction.

        Their queueing locks are the ids of what they are about, `memory_id`, of which there must be
        no jobs yet.
        """
        trace = tracing.current_traceparent()
        jobs = [
            Job(
                kind=self.name,
                owner=owner,
                parameters=each,
                queueing_lock=each["memory_id"],
                app_name=app_name,
                trace=trace,
            )
            for each, app_name in zip(parameters, app_names, strict=True)
        ]
        Job.objects.bulk_create(jobs)
        transaction.on_commit(partial(wake_worker, self.queue))
        return jobs

    def backoff_after(self, attempts: int) -> timedelta:
        """Return the delay before the next attempt, with jitter."""
        seconds = min(self.backoff * 3 ** (attempts - 1), MAX_BACKOFF)
        return timedelta(seconds=seconds * random.uniform(0.75, 1.25))  # noqa: S311


_registry: dict[str, tuple[JobType, JobFunction]] = {}


class Options(TypedDict, total=False):
    queue: Queue
    attempts: int
    retries_on: tuple[type[Exception], ...]
    backoff: float
    hidden: bool


def job_type(name: str, **options: Unpack[Options]) -> Callable[[JobFunction], JobType]:
    """Turn the decorated function into a job type. Takes the options of `JobType`."""

    def decorate(function: JobFunction) -> JobType:
        declared = JobType(name, **options)
        declared.function(function)
        return declared

    return decorate


def get_job_type(name: str) -> JobType:
    """Raises KeyError for a type that this version of the server does not know."""
    return _registry[name][0]


def names(*queues: Queue) -> list[str]:
    """List the types of these queues, of all queues by default."""
    job_types = (job_type for job_type, _ in _registry.values())
    return [job_type.name for job_type in job_types if not queues or job_type.queue in queues]


def hidden_names() -> list[str]:
    return [job_type.name for job_type, _ in _registry.values() if job_type.hidden]


def _insert(job: Job) -> Job:
    job.save(force_insert=True)
    return job


def _insert_once(job: Job) -> Job:
    same = Job.objects.unfinished().filter(kind=job.kind, queueing_lock=job.queueing_lock)
    while True:
        # Waits for a concurrent transaction that inserts the same job.
        Job.objects.bulk_create([job], ignore_conflicts=True)
        unfinished = same.first()
        if unfinished is not None:  # else it has just ended
            return unfinished
