"""Remove memories for good, with all that hangs on them.

Nobody is asked any more: to delete a memory, change its state.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence

from django.db import connection

from apps_registry.models import AccessRule, App, Effect
from memories.models import FirstAccess, Memory

# What an app has read and is there no longer was not read either, as far as is known.
UNCOUNTED = """
UPDATE apps_registry_app SET memories_read = memories_read - gone.read
FROM (
    SELECT app_id, count(*) AS read FROM memories_firstaccess
    WHERE memory_id = ANY(%s) GROUP BY app_id
) AS gone
WHERE id = gone.app_id
"""


def remove(ids: Sequence[uuid.UUID]) -> Counter[str]:
    """Remove memories, in the caller's transaction: how many rows of what are gone.

    The caller holds them locked by `hold_readers`, and then themselves.
    """
    with connection.cursor() as cursor:
        cursor.execute(UNCOUNTED, [list(ids)])
    memories = Memory.objects.filter(pk__in=ids)
    # A rule that allows it stays, though it is about nothing now: without its only one, an app
    # could read everything.
    rules = AccessRule.objects.filter(
        memory_id__in=ids, effect=Effect.DENY, app__owner__in=memories.values("user")
    )
    return counted(rules.delete()) + counted(memories.delete())


def hold_readers(ids: Sequence[uuid.UUID]) -> None:
    """Lock the apps that have read any of these memories.

    Before the memories: a search that logs its accesses takes the app first as well.
    """
    readers = FirstAccess.objects.filter(memory__in=ids).values("app")
    list(App.objects.filter(pk__in=readers).order_by("pk").select_for_update(no_key=True))


def counted(deleted: tuple[int, Mapping[str, int]]) -> Counter[str]:
    """What `delete()` says, by the names of the models alone."""
    _, rows = deleted
    return Counter({label.rpartition(".")[2]: number for label, number in rows.items()})
