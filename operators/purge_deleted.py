"""Purge memories that were deleted or expired long ago, and write receipts."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from memories.lifecycle.purge import lock_readers, purge
from memories.models import Memory
from memories.models.memory import MemoryQuerySet

from .models import Receipt

# Memories per transaction and per receipt.
BATCH_SIZE = 1_000

Step = Callable[[], AbstractContextManager[None]]


def count_due() -> Counter[str]:
    """Count the memories to purge now."""
    return Counter({"Memory": sum(memories.count() for memories in _due())})


def purge_due(*, step: Step = transaction.atomic) -> Iterator[Counter[str]]:
    """Purge due memories. Yields the number of removed rows by model after each step."""
    act = uuid.uuid4()
    for due in _due():
        yield from _purge(due, act, step)


def _purge(due: MemoryQuerySet, act: uuid.UUID, step: Step) -> Iterator[Counter[str]]:
    oldest_first = due.values_list("pk", flat=True)
    while ids := list(oldest_first[:BATCH_SIZE]):
        with step():
            lock_readers(ids)
            # Queried again: others may have purged some of them, or brought some back.
            purged = list(due.filter(pk__in=ids).locked().values_list("pk", flat=True))
            counts = purge(purged)
            if purged:
                Receipt.objects.create(
                    kind=Receipt.Kind.PURGE, act=act, memories=purged, counts=counts
                )
        yield counts


def _due() -> list[MemoryQuerySet]:
    """The memories that were deleted, and those that expired, too long ago: each from its index."""
    if not settings.DELETED_KEEP_DAYS:
        return []
    moment = timezone.now() - timedelta(days=settings.DELETED_KEEP_DAYS)
    deleted = Memory.objects.deleted_before(moment).order_by("state_changed_at", "pk")
    expired = Memory.objects.undeleted().expired_before(moment).order_by("expires_at", "pk")
    return [deleted, expired]
