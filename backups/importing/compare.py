"""Compare what is staged with what it became, where nothing else was stored before."""

from __future__ import annotations

from typing import Any

from django.db import connection

from accounts.models import User
from apps_registry.acting_app import DEFAULT_APP
from backups.archive.errors import format_location
from backups.archive.format import ENTITIES, VECTORS
from core.errors import OpenMemoryError

from .statements import ARRIVED

# What each staged row has become. Apps and categories are known by name, all others by id.
BECAME = {
    "apps": """
        SELECT FROM apps_registry_app AS there WHERE there.owner_id = %(user)s
        AND (there.name, there.description, there.metadata, there.is_active)
            = (it.name, it.description, it.metadata, it.is_active)
        AND (there.created_at, there.updated_at) = (it.created_at, it.updated_at)
    """,
    "categories": """
        SELECT FROM memories_category AS there WHERE there.name = lower(it.name)
        AND (NOT %(exactly)s OR (there.description, there.created_at, there.updated_at)
            = (it.description, it.created_at, it.updated_at))
    """,
    "memories": """
        SELECT FROM memories_memory AS there JOIN apps_registry_app AS app ON app.id = app_id
        WHERE there.id = it.id AND there.user_id = %(user)s AND app.name = coalesce(
            (SELECT name FROM staged_apps AS app WHERE app.id = it.app_id), %(default_app)s
        )
        AND (there.content, there.metadata, there.state, there.state_changed_at)
            = (it.content, it.metadata, it.state, it.state_changed_at)
        AND (there.created_at, there.updated_at) = (it.created_at, it.updated_at)
        AND (there.actor, there.conversation)
            = (coalesce(it.actor, ''), coalesce(it.conversation, ''))
        AND there.superseded_by_id IS NOT DISTINCT FROM it.superseded_by
    """,
    "memory_categories": """
        SELECT FROM memories_categorization AS there
        JOIN memories_category AS category
            ON there.category_id = coalesce(category.merged_into_id, category.id)
        JOIN staged_categories AS named ON lower(named.name) = category.name
        WHERE there.memory_id = it.memory_id AND named.id = it.category_id
    """,
    "status_history": """
        SELECT FROM memories_statechange AS there WHERE there.memory_id = it.memory_id
        AND (there.old_state, there.new_state, there.changed_at, there.reason)
            = (it.old_state, it.new_state, it.changed_at, it.reason)
        AND (it.changed_by IS DISTINCT FROM %(user)s OR there.changed_by_id = it.changed_by)
    """,
    "access_controls": """
        SELECT FROM apps_registry_accessrule AS there
        JOIN apps_registry_app AS app ON app.id = there.app_id
        JOIN staged_apps AS named ON named.name = app.name
        WHERE named.id = it.app_id AND there.memory_id IS NOT DISTINCT FROM it.memory_id
        AND there.effect = it.effect
        AND (NOT %(exactly)s OR there.created_at = it.created_at)
    """,
    "revisions": """
        SELECT FROM memories_revision AS there WHERE there.memory_id = it.memory_id
        AND (there.content, there.edited_at) = (it.content, it.edited_at)
        AND (it.edited_by IS DISTINCT FROM %(user)s OR there.edited_by_id = it.edited_by)
    """,
    "vectors": """
        SELECT FROM memories_embedding AS there
        WHERE there.memory_id = it.id AND there.vector = it.vector
    """,
}

# What arrived no later here than the one that arrived before it.
OUT_OF_ORDER = f"""
SELECT number, line FROM (
    SELECT number, line, there.arrival, lag(there.arrival) OVER (ORDER BY {ARRIVED}) AS before
    FROM staged_memories AS staged JOIN memories_memory AS there ON there.id = staged.id
) AS arrived
WHERE arrival <= before ORDER BY number LIMIT 1
"""

# Rows that an import leaves out: rules that mean nothing, categories that no memory is in.
MEANT = {
    "access_controls": "understood",
    "categories": "EXISTS (SELECT FROM staged_memory_categories WHERE category_id = it.id)",
}

TABLES = {
    "apps": "apps_registry_app",
    "categories": "memories_category",
    "memories": "memories_memory",
    "memory_categories": "memories_categorization",
    "status_history": "memories_statechange",
    "access_controls": "apps_registry_accessrule",
    "revisions": "memories_revision",
    "vectors": "memories_embedding",
}


class NotRestored(OpenMemoryError):
    """Not everything was restored as it is in the archive."""

    code = "not_restored"


def compare_restored(user: User, *, exactly: bool) -> None:
    """Find the first row that is not there, or not as it is staged. Raises NotRestored.

    With `exactly`, nothing else may be there either. An archive of the original server lacks
    things that every memory has here, and may say one thing twice.
    """
    for name in BECAME:
        _find_missing(name, user, exactly=exactly)
        if exactly:
            _compare_counts(name)
    _require_none("memories", OUT_OF_ORDER, {})


def _find_missing(name: str, user: User, *, exactly: bool) -> None:
    line = "number" if name == "vectors" else "line"
    statement = (
        f"SELECT number, {line} FROM staged_{name} AS it"
        f" WHERE NOT EXISTS ({BECAME[name]}) AND {MEANT.get(name, 'true')}"
        " ORDER BY number LIMIT 1"
    )
    _require_none(
        name, statement, {"user": user.pk, "default_app": DEFAULT_APP, "exactly": exactly}
    )


def _require_none(name: str, statement: str, parameters: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        missing = cursor.fetchone()
    if missing is None:
        return
    number, line = missing
    if name == "vectors":
        raise NotRestored(
            f"{format_location(VECTORS)}record {number + 1} was not restored as it is there."
        )
    where = format_location(ENTITIES, line)
    raise NotRestored(f"{where}{name}[{number}] was not restored as it is there.")


def _compare_counts(name: str) -> None:
    counts = f"(SELECT count(*) FROM staged_{name}), (SELECT count(*) FROM {TABLES[name]})"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {counts}")
        staged, restored = cursor.fetchone()
    if staged != restored:
        raise NotRestored(f"Of {staged} {name}, {restored} were restored.")
