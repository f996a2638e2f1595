from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import TypedDict

from django.db import models
from django.db.models import Case, Count, F, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from accounts.models import User
from core.errors import Conflict, NotFound


class JobNotFound(NotFound):
    """Job not found."""

    code = "job_not_found"


class JobFinished(Conflict):
    """This job has already finished."""

    code = "job_finished"


class JobError(TypedDict):
    """Why a job or an attempt failed."""

    code: str
    detail: str


def after_last_attempt(error: JobError, attempts: int) -> JobError:
    """Say in the error of the last attempt that no other one follows."""
    return {**error, "detail": f"{error['detail']} Given up after {attempts} attempts."}


class State(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNFINISHED = (State.QUEUED, State.RUNNING)


class JobQuerySet(models.QuerySet["Job"]):
    def owned_by(self, user: User) -> JobQuerySet:
        return self.filter(owner=user)

    def of_account(self, account: User) -> JobQuerySet:
        """Keep the jobs of an account and of its end users."""
        return self.filter(Q(owner=account) | Q(owner__owner=account))

    def visible_to(self, app_name: str) -> JobQuerySet:
        """Keep the jobs that were enqueued through this app, or all for a key without an app."""
        return self.filter(app_name=app_name) if app_name else self

    def unfinished(self) -> JobQuerySet:
        return self.filter(state__in=UNFINISHED)

    def finished(self) -> JobQuerySet:
        return self.exclude(state__in=UNFINISHED)

    def due(self, job_types: Collection[str]) -> JobQuerySet:
        """Keep the jobs of these types that can run now, the longest overdue first."""
        queued = self.filter(state=State.QUEUED, kind__in=job_types, run_after__lte=Now())
        return queued.order_by("run_after", "pk")

    def fairly_due(self, job_types: Collection[str]) -> JobQuerySet:
        """Keep the first due job of each owner.

        Owners with fewer running jobs come first, then those who have waited longer since one of
        their jobs was started.
        """
        first = self.due(job_types).order_by("owner", "run_after", "pk").distinct("owner")
        of_owner = Job.objects.filter(owner=OuterRef("owner"), kind__in=job_types)
        running = of_owner.filter(state=State.RUNNING).order_by().values("owner")
        started = of_owner.exclude(started_at=None).order_by("-started_at")
        ranked = self.due(job_types).annotate(
            running=Coalesce(Subquery(running.values(count=Count("*"))), 0),
            last_started=Subquery(started.values("started_at")[:1]),
        )
        ranking = ("running", F("last_started").asc(nulls_first=True), "run_after", "pk")
        return ranked.filter(pk__in=first.values("pk")).order_by(*ranking)

    def leased_to(self, token: uuid.UUID) -> JobQuerySet:
        """Keep the job that the run with this token still holds."""
        return self.filter(state=State.RUNNING, lease_token=token)

    def one(self, pk: uuid.UUID) -> Job:
        """Raises JobNotFound."""
        try:
            return self.get(pk=pk)
        except Job.DoesNotExist:
            raise JobNotFound from None


class Job(models.Model):
    """A task that runs in the background and takes effect once, whatever fails meanwhile."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        User,
        on_delete=models.CASCADE,
        null=True,
        related_name="jobs",
        db_index=False,
        help_text="The user whose job this is, or null for a job of the server itself.",
    )
    app_name = models.CharField(
        max_length=255, blank=True, help_text="The app through which the job was enqueued, if any."
    )
    kind = models.CharField(
        "job type", max_length=64, help_text="What the job does, such as `export`."
    )
    queueing_lock = models.CharField(
        max_length=255,
        blank=True,
        db_column="once",
        help_text="At most one unfinished job of a type has the same lock.",
    )
    parameters = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=9, choices=State, default=State.QUEUED)
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    run_after = models.DateTimeField(
        default=timezone.now, help_text="The job does not run before this time."
    )
    lease_token = models.UUIDField(null=True, blank=True, help_text="Identifies the current run.")
    lease_until = models.DateTimeField(null=True, blank=True)
    cancel_requested = models.BooleanField(default=False)
    result = models.JSONField(null=True, blank=True)
    error = models.JSONField(
        null=True, blank=True, help_text="Why the job, or its last attempt, failed."
    )
    upload = models.CharField(
        max_length=255, blank=True, help_text="The file that the job processes."
    )
    download = models.CharField(
        max_length=255, blank=True, help_text="The file that the job created, until it expires."
    )
    download_name = models.CharField(
        max_length=255, blank=True, help_text="The name of that file when it is downloaded."
    )
    trace = models.CharField(
        max_length=64,
        blank=True,
        db_default="",
        help_text="The trace context of the request that enqueued the job, if any.",
    )
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(
        null=True, blank=True, help_text="When the first attempt started."
    )
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=State.values), name="job_state_is_known"),
            models.CheckConstraint(
                condition=Q(
                    state=State.RUNNING,
                    lease_token__isnull=False,
                    lease_until__isnull=False,
                    started_at__isnull=False,
                )
                | (~Q(state=State.RUNNING) & Q(lease_token=None, lease_until=None)),
                name="job_is_leased_while_it_runs",
            ),
            models.CheckConstraint(
                condition=Q(state__in=UNFINISHED, finished_at=None)
                | (~Q(state__in=UNFINISHED) & Q(finished_at__isnull=False)),
                name="job_has_finished_at_a_time",
            ),
            models.CheckConstraint(
                condition=~Q(state=State.FAILED) | Q(error__isnull=False),
                name="job_has_an_error_if_it_failed",
            ),
            models.UniqueConstraint(
                fields=["kind", "queueing_lock"],
                condition=Q(state__in=UNFINISHED) & ~Q(queueing_lock=""),
                name="job_is_unfinished_once",
            ),
        ]
        indexes = [
            models.Index("owner", F("created_at").desc(), "id", name="job_by_owner_newest"),
            models.Index(fields=["-created_at", "-id"], name="job_newest"),
            # For the workers and the sweep. Partial, so it stays small however many jobs are kept.
            models.Index(
                fields=["run_after", "id"], condition=Q(state=State.QUEUED), name="job_queued"
            ),
            # For `fairly_due`: the first job of each owner, and when each last had one started.
            models.Index(
                fields=["owner", "run_after", "id"],
                include=["kind"],
                condition=Q(state=State.QUEUED),
                name="job_queued_by_owner",
            ),
            models.Index(
                "owner",
                F("started_at").desc(),
                "kind",
                condition=Q(started_at__isnull=False),
                name="job_by_owner_started",
            ),
            models.Index(
                fields=["lease_until"], condition=Q(state=State.RUNNING), name="job_running"
            ),
            models.Index(
                fields=["finished_at"], condition=~Q(state__in=UNFINISHED), name="job_finished"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def is_finished(self) -> bool:
        return self.state not in UNFINISHED

    def cancel(self) -> None:
        """Cancel a queued job at once, and ask a running one to stop. Raises JobFinished."""
        queued = Q(state=State.QUEUED)
        # One statement, so that the job cannot start or finish in between.
        updated = (
            Job.objects.unfinished()
            .filter(pk=self.pk)
            .update(
                cancel_requested=True,
                state=Case(When(queued, then=Value(State.CANCELLED)), default=F("state")),
                finished_at=Case(When(queued, then=Now())),
            )
        )
        self.refresh_from_db()
        if not updated:
            raise JobFinished
