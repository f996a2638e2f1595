"""Archive the memories that archive policies select: those left unchanged for some days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from jobs.job_run import JobRun
from jobs.models import Job
from jobs.registry import job_type
from memories.models import ArchivePolicy, State
from memories.models.embedding import LOWEST_ID

# Memories that one transaction archives. Other writers of these memories wait until it ends.
BATCH = 1_000

Step = Callable[[], AbstractContextManager[None]]


def count_due() -> Counter[str]:
    """Count the memories that are due, once for each policy that selects them."""
    return Counter({"archived": sum(policy.due().count() for policy in _active_policies())})


def archive_due(*, step: Step = transaction.atomic) -> Iterator[Counter[str]]:
    """Apply all active policies, yielding counts after each step."""
    for policy in _active_policies():
        yield from _apply(policy, step)


def enqueue_policy(policy: ArchivePolicy, *, by: User) -> Job:
    """Enqueue a job that applies one policy now, instead of at the next housekeeping."""
    pk = str(policy.pk)
    return apply_policy.enqueue(owner=by, parameters={"policy": pk}, queueing_lock=pk)


@job_type("follow_policy", queue="long")
def apply_policy(run: JobRun) -> None:
    """Apply the policy of a job, if it still exists and is active."""
    archived = 0
    for policy in ArchivePolicy.objects.active().filter(pk=run.parameters["policy"]):
        for counts in _apply(policy, run.step):
            archived += counts["archived"]
            run.progress(archived)
    with run.finishing() as result:
        result["archived"] = archived


def _active_policies() -> list[ArchivePolicy]:
    return list(ArchivePolicy.objects.active().select_related("user", "category", "made_by"))


def _apply(policy: ArchivePolicy, step: Step) -> Iterator[Counter[str]]:
    # In the order of ids, so that all steps together read the memories once.
    due, last = policy.due().order_by("pk"), LOWEST_ID
    policy_row = ArchivePolicy.objects.filter(pk=policy.pk)
    reason = f"unchanged for {policy.days} days"
    while ids := list(due.filter(pk__gt=last).values_list("pk", flat=True)[:BATCH]):
        with step():
            # Filtered by `due()` again, as one of them may have been edited meanwhile.
            batch = policy.due().filter(pk__in=ids)
            archived = batch.change_state(State.ARCHIVED, by=policy.made_by, reason=reason)
            policy_row.update(archived=F("archived") + archived)
        last = ids[-1]
        yield Counter({"archived": archived})
    policy_row.update(followed_at=timezone.now())
