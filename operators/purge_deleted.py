"""Remove for good what was deleted long ago, and leave a receipt."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from memories.lifecycle import purge as removing
from memories.models import Memory
from memories.models.memory import MemoryQuerySet

from .models import Receipt

# Memories that one transaction removes, and one receipt names.
BATCH = 1_000

Step = Callable[[], AbstractContextManager[None]]


def due() -> Counter[str]:
    """How many memories are purged now."""
    return Counter({"Memory": _due().count()})


def purge(*, step: Step = transaction.atomic) -> Iterator[Counter[str]]:
    """Purge what is due, telling after each step how many rows of what are gone."""
    act = uuid.uuid4()
    oldest_first = _due().order_by("state_changed_at", "pk").values_list("pk", flat=True)
    while ids := list(oldest_first[:BATCH]):
        with step():
            removing.lock_readers(ids)
            # Asked again: a run of another process may have been quicker with some of them.
            held = _due().filter(pk__in=ids).locked()
            gone = list(held.values_list("pk", flat=True))
            counts = removing.purge(gone)
            if gone:
                Receipt.objects.create(
                    kind=Receipt.Kind.PURGE, act=act, memories=gone, counts=counts
                )
        yield counts


def _due() -> MemoryQuerySet:
    if not settings.DELETED_KEEP_DAYS:
        return Memory.objects.none()
    return Memory.objects.deleted_before(
        timezone.now() - timedelta(days=settings.DELETED_KEEP_DAYS)
    )
