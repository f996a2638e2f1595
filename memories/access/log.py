"""Write down who read which memories."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from apps_registry.models import App
from memories.models import Access, Memory

# Rows of the log that one transaction forgets.
BATCH = 10_000

# In one statement, since it comes with every search. Nobody waits for the disk to read: a crash
# may lose the last moments of this log, which is what `synchronous_commit` off means.
# What an app reads for the first time is found in the order of ids, so that two searches that
# find the same cannot wait for each other, and only that changes the row of the app.
NOTED = """
WITH read AS MATERIALIZED (
    SELECT read.id, read.type, read.place
    FROM set_config('synchronous_commit', 'off', true),
        unnest(%(memories)s::uuid[], %(types)s::text[]) WITH ORDINALITY AS read (id, type, place)
),
first AS (
    INSERT INTO memories_firstaccess (memory_id, app_id)
    SELECT id, %(app)s::uuid FROM read WHERE %(app)s::uuid IS NOT NULL ORDER BY id
    ON CONFLICT DO NOTHING
    RETURNING memory_id
),
counted AS (
    UPDATE apps_registry_app SET memories_read = memories_read + (SELECT count(*) FROM first)
    WHERE id = %(app)s::uuid AND EXISTS (SELECT FROM first)
)
INSERT INTO memories_access (memory_id, app_id, accessed_at, access_type, metadata)
SELECT id, %(app)s, %(now)s, type, %(metadata)s::jsonb FROM read ORDER BY place
"""


# Grouped once: looked up app by app, it would be read as often as there are apps.
MISCOUNTED = """
SELECT app.id FROM apps_registry_app AS app LEFT JOIN (
    SELECT app_id, count(*) AS read FROM memories_firstaccess GROUP BY app_id
) AS counted ON counted.app_id = app.id
WHERE app.memories_read <> coalesce(counted.read, 0) ORDER BY app.id
"""
RECOUNTED = """
UPDATE apps_registry_app AS app SET memories_read = (
    SELECT count(*) FROM memories_firstaccess WHERE app_id = app.id
) WHERE id = %s
"""


def log_accesses(
    memories: Iterable[Memory],
    *,
    app: App | None,
    access_type: str,
    context: Iterable[Memory] = (),
    metadata: dict[str, Any] | None = None,
) -> None:
    """Log one reading of each of these memories, by an app or by somebody where there is none.

    And one as `context` of each that was shown around them and is none of them.
    """
    types = {memory.pk: access_type for memory in memories}
    for memory in context:
        types.setdefault(memory.pk, "context")
    if not types:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            NOTED,
            {
                "app": app.pk if app else None,
                "now": timezone.now(),
                "metadata": json.dumps(metadata or {}),
                "memories": list(types),
                "types": list(types.values()),
            },
        )


def with_wrong_count() -> list[App]:
    """The apps of which it is not counted rightly how many memories they have read."""
    with connection.cursor() as cursor:
        cursor.execute(MISCOUNTED)
        ids = [pk for (pk,) in cursor.fetchall()]
    return list(App.objects.filter(pk__in=ids).select_related("owner").order_by("pk"))


def recount(app: App) -> None:
    """Count anew, in the caller's transaction, how many memories an app has read."""
    # Locked before they are counted: an access that comes meanwhile adds itself afterwards.
    App.objects.select_for_update(no_key=True).get(pk=app.pk)
    with connection.cursor() as cursor:
        cursor.execute(RECOUNTED, [app.pk])


def prune(
    moment: datetime, *, step: Callable[[], AbstractContextManager[None]] = transaction.atomic
) -> Iterator[Counter[str]]:
    """Forget the accesses before a moment, telling after each step how many.

    Which memories an app has read at all is counted apart, and stays.
    """
    # The log is written as time goes on: the first that is too young ends it, and no index over
    # the times is needed.
    last = 0
    while True:
        rows = Access.objects.filter(pk__gt=last).order_by("pk").values_list("pk", "accessed_at")
        old = [pk for pk, accessed_at in rows[:BATCH] if accessed_at < moment]
        if not old:
            return
        with step():
            Access.objects.filter(pk__in=old).delete()
        last = old[-1]
        yield Counter({"Access": len(old)})


def count_before(moment: datetime) -> int:
    return Access.objects.filter(accessed_at__lt=moment).count()


def anonymize_operator(user: User) -> int:
    """Take the name of an operator from the log of what they read in the admin: how often it was.

    Not the accesses: others are told by these that somebody has read a memory of theirs.
    """
    read = Access.objects.filter(app=None, metadata__operator=user.user_id)
    return read.update(metadata={})
