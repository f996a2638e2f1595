"""Purge memories that were deleted long ago, and write a receipt."""

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
    return Counter({"Memory": _due().count()})


def purge_due(*, step: Step = transaction.atomic) -> Iterator[Counter[str]]:
    """Purge due memories. Yields the number of removed rows by model after each step."""
    act = uuid.uuid4()
    oldest_first = _due().order_by("state_changed_at", "pk").values_list("pk", flat=True)
    while ids := list(oldest_first[:BATCH_SIZE]):
        with step():
            lock_readers(ids)
            # Queried again: another process may have purged some of them.
            locked = _due().filter(pk__in=ids).locked()
            purged = list(locked.values_list("pk", flat=True))
            counts = purge(purged)
            if purged:
                Receipt.objects.create(
                    kind=Receipt.Kind.PURGE, act=act, memories=purged, counts=counts
                )
        yield counts


def _due() -> MemoryQuerySet:
    if not settings.DELETED_KEEP_DAYS:
        return Memory.objects.none()
    return Memory.objects.deleted_before(
        timezone.now() - timedelta(days=settings.DELETED_KEEP_DAYS)
    )
