"""Delete the rows of memories for good, with everything that depends on them.

There are no checks here: to delete a memory on behalf of a user, change its state.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence

from accounts.models import KeptAnswer
from apps_registry.models import AccessRule, App, Effect
from core.sql import execute
from memories.models import FirstAccess, Memory

# `App.memories_read` counts only memories that still exist.
SUBTRACT_READS = """
UPDATE apps_registry_app SET memories_read = memories_read - gone.read
FROM (
    SELECT app_id, count(*) AS read FROM memories_firstaccess
    WHERE memory_id = ANY(%s) GROUP BY app_id
) AS gone
WHERE id = gone.app_id
"""


def purge(ids: Sequence[uuid.UUID]) -> Counter[str]:
    """Delete memories, in the caller's transaction: how many rows of each model are gone.

    The caller has locked their readers with `lock_readers`, and then the memories.
    """
    execute(SUBTRACT_READS, [list(ids)])
    memories = Memory.objects.filter(pk__in=ids)
    # A rule that allows a memory stays, though the memory is gone: an app that loses its only
    # `allow` rule could read everything.
    rules = AccessRule.objects.filter(
        memory_id__in=ids, effect=Effect.DENY, app__owner__in=memories.values("user")
    )
    answers = KeptAnswer.objects.showing(ids)
    return sum((count_by_model(rows.delete()) for rows in (rules, answers, memories)), Counter())


def lock_readers(ids: Sequence[uuid.UUID]) -> None:
    """Lock the apps that have read any of these memories.

    Before the memories: a search that logs its accesses takes the app first as well.
    """
    readers = FirstAccess.objects.filter(memory__in=ids).values("app")
    list(App.objects.filter(pk__in=readers).order_by("pk").select_for_update(no_key=True))


def count_by_model(deleted: tuple[int, Mapping[str, int]]) -> Counter[str]:
    """The row counts that `delete()` returns, by the name of the model without its app."""
    _, rows = deleted
    return Counter({label.rpartition(".")[2]: number for label, number in rows.items()})
