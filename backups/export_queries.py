"""What of a user an archive holds: a statement for each of its lists.

The names of the columns are those of `archive.format`. In braces stand the times, which PostgreSQL
would write with as few digits as it can, and what bounds the statement to a `Part`. Parameters are
those of `Part.parameters`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from .archive.format import Filters

USER = """
SELECT id, user_id, name, email, metadata, {created_at}, {updated_at}
FROM accounts_user WHERE id = %(user)s
"""

# With the settings of apps that put nothing down, too.
APPS = """
SELECT id, owner_id, name, description, metadata, is_active, {created_at}, {updated_at}
FROM apps_registry_app AS app
WHERE owner_id = %(user)s AND {picked_app}
ORDER BY created_at, id
"""

CATEGORIES = """
SELECT id, name, description, {created_at}, {updated_at}
FROM memories_category AS category
WHERE EXISTS (
    SELECT FROM memories_categorization AS categorization
    JOIN memories_memory AS memory ON memory.id = categorization.memory_id
    WHERE categorization.user_id = %(user)s AND categorization.category_id = category.id
        AND {picked}
)
ORDER BY name
"""

# The order of arrival is counted anew, as the numbers in the database tell how much others store.
MEMORIES = """
SELECT id, user_id, app_id, content, metadata, state, {created_at}, {updated_at},
    {archived_at}, {deleted_at}, {state_changed_at},
    ARRAY(
        SELECT category_id FROM memories_categorization AS categorization
        WHERE categorization.memory_id = memory.id
    ) AS category_ids,
    (
        SELECT newer.id FROM memories_memory AS newer
        WHERE newer.id = memory.superseded_by_id AND {picked_newer}
    ) AS superseded_by,
    actor, conversation, row_number() OVER (ORDER BY arrival, created_at, id) AS arrival
FROM memories_memory AS memory
WHERE {picked}
"""

MEMORY_CATEGORIES = """
SELECT memory_id, category_id
FROM memories_categorization AS categorization
JOIN memories_memory AS memory ON memory.id = memory_id
WHERE categorization.user_id = %(user)s AND {picked}
"""

# Numbered within their memory: so the id is the same in every archive, on every server.
STATUS_HISTORY = """
SELECT md5('step ' || row_number() OVER life || ' of ' || memory_id)::uuid AS id,
    memory_id, changed_by_id AS changed_by,
    coalesce(nullif(old_state, ''), 'deleted') AS old_state, new_state, {changed_at},
    old_state = '' AS begins, reason
FROM memories_statechange AS step
JOIN memories_memory AS memory ON memory.id = memory_id
WHERE {picked}
WINDOW life AS (PARTITION BY memory_id ORDER BY changed_at, step.id)
"""

# Those about memories that are not in the archive, too: without the only `allow` that it has for
# a memory by name, an app may read everything.
ACCESS_CONTROLS = """
SELECT rule.id, 'app' AS subject_type, rule.app_id AS subject_id, 'memory' AS object_type,
    rule.memory_id AS object_id, rule.effect, {created_at}
FROM apps_registry_accessrule AS rule
WHERE app_id IN (
    SELECT id FROM apps_registry_app AS app WHERE owner_id = %(user)s AND {picked_app}
)
ORDER BY created_at, id
"""

REVISIONS = """
SELECT md5('revision ' || row_number() OVER life || ' of ' || memory_id)::uuid AS id,
    memory_id, revision.content, edited_by_id AS edited_by, {edited_at}
FROM memories_revision AS revision
JOIN memories_memory AS memory ON memory.id = memory_id
WHERE {picked}
WINDOW life AS (PARTITION BY memory_id ORDER BY edited_at, revision.id)
"""

LISTS = {
    "apps": APPS,
    "categories": CATEGORIES,
    "memories": MEMORIES,
    "memory_categories": MEMORY_CATEGORIES,
    "status_history": STATUS_HISTORY,
    "access_controls": ACCESS_CONTROLS,
    "revisions": REVISIONS,
}

LINES = """
SELECT id, content, metadata, {created_at}, {updated_at}, state, app,
    ARRAY(
        SELECT name FROM memories_categorization AS categorization
        JOIN memories_category AS category ON category.id = category_id
        WHERE categorization.memory_id = memory.id ORDER BY name
    ) AS categories
FROM memories_memory AS memory
JOIN (SELECT id AS app_id, name AS app FROM apps_registry_app) AS app USING (app_id)
WHERE {picked}
"""

SPACE = "SELECT id, provider, model, dimensions FROM memories_embeddingspace WHERE state = 'active'"

# pgvector sends two numbers of 16 bits before those of the vector.
VECTORS = """
SELECT uuid_send(memory_id) || substr(halfvec_send(vector), 5)
FROM memories_embedding AS embedding JOIN memories_memory AS memory ON memory.id = memory_id
WHERE embedding.user_id = %(user)s AND space_id = %(space)s AND {picked}
"""

HOW_MANY = """
SELECT now() AS moment, count(*) AS memories FROM memories_memory AS memory WHERE {picked}
"""


def _time(name: str, value: str | None = None) -> str:
    written = f"to_char({value or name} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US')"
    return f"{written} || '+00:00' AS {name}"


TIMES = {
    **{
        name: _time(name)
        for name in ("created_at", "updated_at", "state_changed_at", "changed_at", "edited_at")
    },
    "archived_at": _time("archived_at", "CASE state WHEN 'archived' THEN state_changed_at END"),
    "deleted_at": _time("deleted_at", "CASE state WHEN 'deleted' THEN state_changed_at END"),
}


@dataclass(frozen=True)
class ExportFilters:
    """Which of a user's memories: of one app, created from `first` to the second `last`."""

    app: UUID | None = None
    first: datetime | None = None
    last: datetime | None = None
    vectors: bool = True

    def apply_to(self, statement: str) -> str:
        """Bound a statement to this part."""
        return statement.format(
            **TIMES,
            picked=self._picked("memory"),
            picked_newer=self._picked("newer"),
            picked_app="true" if self.app is None else "app.id = %(app)s",
        )

    def _picked(self, memory: str) -> str:
        conditions = [f"{memory}.user_id = %(user)s"]
        if self.app is not None:
            conditions.append(f"{memory}.app_id = %(app)s")
        if self.first is not None:
            conditions.append(f"{memory}.created_at >= %(first)s")
        if self.last is not None:
            conditions.append(f"{memory}.created_at < %(last)s + interval '1 second'")
        return " AND ".join(conditions)

    def for_manifest(self) -> Filters:
        return {
            "app_id": self.app,
            "from_date": None if self.first is None else int(self.first.timestamp()),
            "to_date": None if self.last is None else int(self.last.timestamp()),
        }

    def to_json(self) -> dict[str, Any]:
        """As JSON holds it."""
        filters = self.for_manifest()
        return {**filters, "app_id": self.app and str(self.app), "vectors": self.vectors}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ExportFilters:
        first, last = (
            None if value[name] is None else datetime.fromtimestamp(value[name], UTC)
            for name in ("from_date", "to_date")
        )
        app = value["app_id"] and UUID(value["app_id"])
        return cls(app, first, last, value["vectors"])

    def parameters(self, user: UUID) -> dict[str, Any]:
        return {"user": user, "app": self.app, "first": self.first, "last": self.last}
