"""The access log: which app, or which user, read which memories."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Literal

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from apps_registry.models import App
from core import sql
from memories.models import Access, Memory

# `context` is a memory shown around a hit of a search; `prompt`, one that was composed into a text
# for a prompt; `admin`, one that an operator opened.
AccessType = Literal["search", "context", "prompt", "list", "get", "related", "resource", "admin"]

# Rows that one transaction deletes.
BATCH = 10_000

# In one statement, since it comes with every search. No request waits for the disk to log a
# reading: a crash may lose the last moments of this log, which is what `synchronous_commit` off
# means. First accesses are inserted in the order of ids, so that two searches with the same hits
# cannot deadlock, and only a first access updates the row of the app.
LOG_ACCESSES = """
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

# One line of the log of changes for each user whose memories were read together.
LOG_READING = """
INSERT INTO memories_unlogged (user_id, is_new, is_first, kind, note)
SELECT memory.user_id, false, row_number() OVER () = 1, 'read', jsonb_build_object(
    'memories', jsonb_agg(memory.id ORDER BY read.place),
    'app', (SELECT name FROM apps_registry_app WHERE id = %(app)s),
    'access', %(access)s::text
)
FROM unnest(%(memories)s::uuid[]) WITH ORDINALITY AS read (id, place)
JOIN memories_memory AS memory ON memory.id = read.id
GROUP BY memory.user_id
"""

# Grouped once: a subquery per app would read the table as often as there are apps.
WRONG_COUNTS = """
SELECT app.id FROM apps_registry_app AS app LEFT JOIN (
    SELECT app_id, count(*) AS read FROM memories_firstaccess GROUP BY app_id
) AS counted ON counted.app_id = app.id
WHERE app.memories_read <> coalesce(counted.read, 0) ORDER BY app.id
"""
RECOUNT = """
UPDATE apps_registry_app AS app SET memories_read = (
    SELECT count(*) FROM memories_firstaccess WHERE app_id = app.id
) WHERE id = %s
"""


def log_accesses(
    memories: Iterable[Memory],
    *,
    app: App | None,
    access_type: AccessType,
    context: Iterable[Memory] = (),
    metadata: dict[str, Any] | None = None,
) -> None:
    """Log one access to each of these memories, by an app or by a user where it is None.

    Each memory of `context` that is not one of them is logged as `context`.
    """
    types: dict[Any, str] = {memory.pk: access_type for memory in memories}
    for memory in context:
        types.setdefault(memory.pk, "context")
    if not types:
        return
    access = {"app": app.pk if app else None, "memories": list(types)}
    details = {
        "now": timezone.now(),
        "metadata": json.dumps(metadata or {}),
        "types": list(types.values()),
    }
    if not settings.LOG_READINGS:
        sql.execute_prepared(LOG_ACCESSES, access | details)
        return
    with transaction.atomic():
        sql.execute_prepared(LOG_ACCESSES, access | details)
        sql.execute(LOG_READING, access | {"access": access_type})


def with_wrong_count() -> list[App]:
    """The apps whose `memories_read` differs from the number of their first accesses."""
    ids = sql.fetch_column(WRONG_COUNTS)
    return list(App.objects.filter(pk__in=ids).select_related("owner").order_by("pk"))


def recount(app: App) -> None:
    """Correct the `memories_read` of an app, in the caller's transaction."""
    # Locked before the count: an access logged meanwhile adds itself afterwards.
    App.objects.select_for_update(no_key=True).get(pk=app.pk)
    sql.execute(RECOUNT, [app.pk])


def prune(
    moment: datetime, *, step: Callable[[], AbstractContextManager[None]] = transaction.atomic
) -> Iterator[Counter[str]]:
    """Delete the accesses before a moment in batches, and yield the number after each.

    First accesses, and so `memories_read`, stay.
    """
    # The log is written in the order of time: the first access that is too young ends it, and no
    # index over the times is needed.
    last_id = 0
    while True:
        rows = Access.objects.filter(pk__gt=last_id).order_by("pk").values_list("pk", "accessed_at")
        old_ids = [pk for pk, accessed_at in rows[:BATCH] if accessed_at < moment]
        if not old_ids:
            return
        with step():
            Access.objects.filter(pk__in=old_ids).delete()
        last_id = old_ids[-1]
        yield Counter({"Access": len(old_ids)})


def count_before(moment: datetime) -> int:
    return Access.objects.filter(accessed_at__lt=moment).count()


def anonymize_operator(user: User) -> int:
    """Remove the name of an operator from the accesses they made in the admin.

    The accesses stay: they tell other users that an operator has read a memory of theirs. Returns
    how many there are.
    """
    accesses = Access.objects.filter(app=None, metadata__operator=user.user_id)
    return accesses.update(metadata={})
