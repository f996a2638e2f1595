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
    """This job has ended already."""

    code = "job_finished"


class JobError(TypedDict):
    """Why a job, or an attempt of it, has failed: for programs, and in a sentence."""

    code: str
    detail: str


def given_up(error: JobError, attempts: int) -> JobError:
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

    def queued_through(self, app_name: str) -> JobQuerySet:
        """Keep what an app may see: what was queued through it. A person, "", sees all."""
        return self.filter(app_name=app_name) if app_name else self

    def unfinished(self) -> JobQuerySet:
        return self.filter(state__in=UNFINISHED)

    def finished(self) -> JobQuerySet:
        return self.exclude(state__in=UNFINISHED)

    def due(self, kinds: Collection[str]) -> JobQuerySet:
        """Keep what is to be run now, what has waited longest first."""
        waiting = self.filter(state=State.QUEUED, kind__in=kinds, run_after__lte=Now())
        return waiting.order_by("run_after", "pk")

    def in_turn(self, kinds: Collection[str]) -> JobQuerySet:
        """Keep the first due job of each owner: who has fewest running, or waits longest, first."""
        first = self.due(kinds).order_by("owner", "run_after", "pk").distinct("owner")
        theirs = Job.objects.filter(owner=OuterRef("owner"), kind__in=kinds)
        running = theirs.filter(state=State.RUNNING).order_by().values("owner")
        started = theirs.exclude(started_at=None).order_by("-started_at")
        ranked = self.due(kinds).annotate(
            running=Coalesce(Subquery(running.values(count=Count("*"))), 0),
            last_started=Subquery(started.values("started_at")[:1]),
        )
        turns = ("running", F("last_started").asc(nulls_first=True), "run_after", "pk")
        return ranked.filter(pk__in=first.values("pk")).order_by(*turns)

    def leased_to(self, token: uuid.UUID) -> JobQuerySet:
        """Keep what the run with this token may still change."""
        return self.filter(state=State.RUNNING, lease_token=token)

    def one(self, pk: uuid.UUID) -> Job:
        """Get a job of these. Raises JobNotFound."""
        try:
            return self.get(pk=pk)
        except Job.DoesNotExist:
            raise JobNotFound from None


class Job(models.Model):
    """Something that is done in the background, once, whatever happens meanwhile."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        User,
        on_delete=models.CASCADE,
        null=True,
        related_name="jobs",
        db_index=False,
        help_text="Whose job it is; null where the server looks after itself.",
    )
    app_name = models.CharField(
        max_length=255, blank=True, help_text="The app it was queued through, if it was one."
    )
    kind = models.CharField(max_length=64, help_text="What it does, such as `export`.")
    once = models.CharField(
        max_length=255, blank=True, help_text="Of what there is one unfinished job at most."
    )
    parameters = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=9, choices=State, default=State.QUEUED)
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    run_after = models.DateTimeField(default=timezone.now, help_text="Not before this time.")
    lease_token = models.UUIDField(null=True, blank=True, help_text="Whose run it is.")
    lease_until = models.DateTimeField(null=True, blank=True)
    cancel_requested = models.BooleanField(default=False)
    result = models.JSONField(null=True, blank=True)
    error = models.JSONField(
        null=True, blank=True, help_text="Why it failed, or why its last attempt did."
    )
    upload = models.CharField(max_length=255, blank=True, help_text="The file it works on.")
    download = models.CharField(
        max_length=255, blank=True, help_text="The file it has made, as long as it is kept."
    )
    download_name = models.CharField(
        max_length=255, blank=True, help_text="What that file is called by who downloads it."
    )
    trace = models.CharField(
        max_length=64,
        blank=True,
        db_default="",
        help_text="The place in the trace of the request that queued it, where there is one.",
    )
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True, help_text="Of the first attempt.")
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
                fields=["kind", "once"],
                condition=Q(state__in=UNFINISHED) & ~Q(once=""),
                name="job_is_unfinished_once",
            ),
        ]
        indexes = [
            models.Index("owner", F("created_at").desc(), "id", name="job_by_owner_newest"),
            models.Index(fields=["-created_at", "-id"], name="job_newest"),
            # What the workers and the sweep look for, and nothing else: small, whatever is kept.
            models.Index(
                fields=["run_after", "id"], condition=Q(state=State.QUEUED), name="job_queued"
            ),
            # Whose turn it is: the first job of each owner, and when each last had one.
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
        """End it now if it waits; if it runs, ask that it ends. Raises JobFinished."""
        waits = Q(state=State.QUEUED)
        # One statement, so that it cannot start or end in between.
        found = Job.objects.unfinished().filter(pk=self.pk)
        asked = found.update(
            cancel_requested=True,
            state=Case(When(waits, then=Value(State.CANCELLED)), default=F("state")),
            finished_at=Case(When(waits, then=Now())),
        )
        self.refresh_from_db()
        if not asked:
            raise JobFinished
