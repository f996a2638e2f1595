"""Follow the policies by which memories are archived that nobody has changed for long."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from jobs.enqueue import queue
from jobs.job_run import Work
from jobs.models import Job
from memories.models import ArchivePolicy, State
from memories.models.embedding import FIRST

# Memories that one transaction archives: whoever wants to change one of them waits for its end.
BATCH = 1_000

JOB = "follow_policy"

Step = Callable[[], AbstractContextManager[None]]


def due() -> Counter[str]:
    """How many memories each policy archives now; one that two policies name counts twice."""
    return Counter({"archived": sum(policy.due().count() for policy in _followed())})


def archive(*, step: Step = transaction.atomic) -> Iterator[Counter[str]]:
    """Follow all policies, telling after each step what it did."""
    for policy in _followed():
        yield from _follow(policy, step)


def queue_following(policy: ArchivePolicy, *, by: User) -> Job:
    """Queue the job that follows one policy now, and not when house is kept the next time."""
    once = str(policy.pk)
    return queue(JOB, owner=by, parameters={"policy": once}, once=once)


def follow_one(work: Work) -> None:
    """Follow the policy that a job names, if it is still there and active."""
    archived = 0
    for policy in ArchivePolicy.objects.active().filter(pk=work.parameters["policy"]):
        for counts in _follow(policy, work.step):
            archived += counts["archived"]
            work.progress(archived)
    with work.finishing() as result:
        result["archived"] = archived


def _followed() -> list[ArchivePolicy]:
    return list(ArchivePolicy.objects.active().select_related("user", "category", "made_by"))


def _follow(policy: ArchivePolicy, step: Step) -> Iterator[Counter[str]]:
    # In the order of ids, so that all steps together read the memories once.
    waiting, last = policy.due().order_by("pk"), FIRST
    this = ArchivePolicy.objects.filter(pk=policy.pk)
    reason = f"unchanged for {policy.days} days"
    while ids := list(waiting.filter(pk__gt=last).values_list("pk", flat=True)[:BATCH]):
        with step():
            # Asked again, as one of them may have been edited meanwhile.
            named = policy.due().filter(pk__in=ids)
            archived = named.change_state(State.ARCHIVED, by=policy.made_by, reason=reason)
            this.update(archived=F("archived") + archived)
        last = ids[-1]
        yield Counter({"archived": archived})
    this.update(followed_at=timezone.now())
