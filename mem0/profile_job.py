"""Profiles: a job asks the language model what is known of each user."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from accounts.models import User
from configuration.errors import TRANSIENT_FAILURES, ProviderError
from core.errors import Malformed
from jobs.job_run import JobRun
from jobs.models import Job
from jobs.registry import job_type
from memories.models import LogChain, LogLine, Memory

from .material import MAX_MEMORIES, ask_model, require_model
from .models import Profile, ProfileState, Project
from .tenant import Tenant

# Of one job.
MAX_USERS = 100

# Changes of a memory after which a profile may say what is no longer so.
OUTDATING = [
    LogLine.Kind.REVISED,
    LogLine.Kind.STATE,
    LogLine.Kind.SUPERSEDED,
    LogLine.Kind.PURGED,
    LogLine.Kind.ERASED,
]

TASK = "All of it is about one person. Fill the JSON that is asked for with what is known of them."
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "summary": {"type": "string", "description": "Who the person is, in two sentences."},
        "preferences": {"type": "array", "items": {"type": "string"}},
        "goals": {"type": "array", "items": {"type": "string"}},
        "people": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["summary", "preferences", "goals", "people"],
    "additionalProperties": False,
}


class ProfilesOff(Malformed):
    """Profiles are not enabled. Send `enabled: true` to /v2/profiles/settings/ first."""

    code = "profiles_not_enabled"


def read_profile_settings(account: User) -> dict[str, Any]:
    row = Project.objects.filter(account=account).first()
    return dict(row.profiles) if row else {}


def is_enabled(account: User) -> bool:
    return bool(read_profile_settings(account).get("enabled"))


def enqueue_profiles(tenant: Tenant, users: Sequence[User]) -> Job:
    """Enqueue the profiles of users, in the caller's transaction.

    Raises NeedsModel and ProfilesOff.
    """
    require_model()
    if not is_enabled(tenant.account):
        raise ProfilesOff
    job = make_profiles.enqueue(
        owner=tenant.account, parameters={"users": [str(user.pk) for user in users]}
    )
    Profile.objects.bulk_create(
        [Profile(user=user, job=job.pk) for user in users],
        update_conflicts=True,
        unique_fields=["user"],
        update_fields=["state", "job", "profile"],
    )
    return job


def is_stale(profile: Profile) -> bool:
    """Whether what it was made of has been edited, put aside or deleted, or has expired since.

    It may tell what the user has deleted. What was added since only makes it less complete.
    """
    lines = LogLine.objects.filter(user=profile.user_id).after(profile.sequence)
    expired = Memory.objects.filter(
        user=profile.user_id, expires_at__gt=profile.updated_at, expires_at__lte=timezone.now()
    )
    return lines.of_kinds(OUTDATING).exists() or expired.exists()


def count_states(job: Job) -> Counter[str]:
    """How many of a job's profiles are in each state. One that was asked for anew has succeeded."""
    states = Profile.objects.filter(job=job.pk).values_list("state", flat=True)
    counts = Counter(states)
    others = len(job.parameters["users"]) - counts.total()
    counts[ProfileState.SUCCEEDED] += others
    return counts


@job_type("mem0_profiles", queue="long", attempts=10, retries_on=TRANSIENT_FAILURES, backoff=2.0)
def make_profiles(run: JobRun) -> None:
    """Make those that are still to be made. Raises what may pass; else a profile has failed."""
    settings = read_profile_settings(run.owner).get("entities", {}).get("user", {})
    pending = Profile.objects.filter(job=run.job.pk, state=ProfileState.PENDING)
    pks = list(pending.order_by("pk").values_list("pk", flat=True))
    for done, pk in enumerate(pks):
        run.progress(done, len(pks))
        _make_profile(run, pk, settings)
    with run.finishing() as result:
        result.update(count_states(run.job))


def _make_profile(run: JobRun, user: UUID, settings: dict[str, Any]) -> None:
    active = Memory.objects.filter(user=user).active().unexpired()
    newest = active.order_by("-created_at", "pk").values("pk")[:MAX_MEMORIES]
    sequence = LogChain.objects.filter(user=user).values_list("sequence", flat=True).first() or 0
    changes: dict[str, Any] = {
        "state": ProfileState.EMPTY, "profile": {}, "error": "", "sequence": sequence
    }  # fmt: skip
    if active.exists():
        try:
            profile = ask_model(
                Memory.objects.filter(pk__in=newest),
                task=TASK,
                instructions=settings.get("custom_instructions") or "",
                schema=settings.get("read_schema") or SCHEMA,
                name="profile",
            )
        except ProviderError as error:
            if isinstance(error, TRANSIENT_FAILURES):
                raise
            changes = {"state": ProfileState.FAILED, "error": str(error.detail)[:200]}
        else:
            changes |= {
                "state": ProfileState.SUCCEEDED,
                "profile": profile,
                "generation_count": F("generation_count") + 1,
            }
    with run.step():
        # Unless another job is to make it by now.
        own = Profile.objects.filter(user=user, job=run.job.pk)
        own.update(**changes, updated_at=timezone.now())
