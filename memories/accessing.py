"""Write down who read which memories."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection, transaction

from apps_registry.models import App

from .models import Access, Memory


def note_accesses(memories: Iterable[Memory], *, app: App | None, access_type: str) -> None:
    """Log one reading of each of these memories, by an app or by the person themselves."""
    accesses = [Access(memory=memory, app=app, access_type=access_type) for memory in memories]
    if not accesses:
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Nobody waits for the disk to read: a crash may lose the last moments of this log.
            cursor.execute("SET LOCAL synchronous_commit TO off")
        Access.objects.bulk_create(accesses)
