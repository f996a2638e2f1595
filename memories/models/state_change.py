from __future__ import annotations

from datetime import datetime

from django.core.exceptions import EmptyResultSet
from django.db import models
from django.utils import timezone

from accounts.models import ApiKey, User
from apps_registry.models import App
from core.sql import execute

from .author import WithAuthor
from .state import LIVE, State

# In one statement: of 10,000 memories, only their number is returned.
CHANGE_STATE = """
WITH leaving (id, state) AS MATERIALIZED ({leaving}),
changed AS (
    UPDATE memories_memory AS memory
    SET state = %s, state_changed_at = %s, updated_at = %s,
        superseded_by_id = CASE WHEN %s THEN NULL ELSE memory.superseded_by_id END
    FROM leaving WHERE memory.id = leaving.id
)
INSERT INTO memories_statechange
    (memory_id, old_state, new_state, changed_by_id, changed_at, reason, key_id, app_id,
     superseded_by_id)
SELECT id, state, %s, %s, %s, %s, %s, %s, %s FROM leaving ORDER BY id
"""

# Reasons for archiving a memory in favour of another one.
SUPERSEDED = "superseded"
KNOWN = "known"


class StateChangeQuerySet(models.QuerySet["StateChange"]):
    def apply(
        self,
        memories: models.QuerySet[models.Model],
        state: State,
        *,
        by: User | None,
        reason: str,
        key: ApiKey | None = None,
        app: App | None = None,
        superseded_by: models.Model | None = None,
        moment: datetime | None = None,
    ) -> int:
        """Change the state of these memories, write their history, and return their number."""
        try:
            leaving, parameters = memories.values_list("pk", "state").query.sql_with_params()
        except EmptyResultSet:
            return 0
        now = moment or timezone.now()
        ids = [each and each.pk for each in (key, app, superseded_by)]
        return execute(
            CHANGE_STATE.format(leaving=leaving),
            [*parameters, state, now, now, state in LIVE, state, by and by.pk, now, reason, *ids],
        )


class StateChange(WithAuthor):
    """The creation of a memory or a change of its state."""

    memory = models.ForeignKey(
        "memories.Memory", on_delete=models.CASCADE, related_name="state_changes"
    )
    old_state = models.CharField(
        max_length=8, choices=State, blank=True, help_text="Empty for the creation."
    )
    new_state = models.CharField(max_length=8, choices=State)
    changed_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    changed_at = models.DateTimeField(default=timezone.now)
    reason = models.CharField(max_length=255, blank=True)
    # Without a constraint: to delete a memory, this table would have to be searched.
    superseded_by = models.ForeignKey(
        "memories.Memory",
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        blank=True,
        related_name="superseding_changes",
        db_index=False,
        help_text="The memory that replaced it with this change.",
    )

    objects = StateChangeQuerySet.as_manager()

    class Meta:
        ordering = ["changed_at", "id"]
        indexes = [
            models.Index(
                fields=["superseded_by"],
                condition=models.Q(superseded_by__isnull=False),
                name="state_change_by_superseding",
            )
        ]

    def __str__(self) -> str:
        return f"{self.old_state or 'new'} → {self.new_state}"
