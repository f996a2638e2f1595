"""A memory as Mem0's API shows it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import prefetch_related_objects

from accounts.models import User
from apps_registry.acting_app import DEFAULT_APP
from memories.access.reader import Reader
from memories.models import Memory
from memories.models.memory import MemoryQuerySet
from memories.models.memory_queryset import SHOWN

DAY = timedelta(days=1)


def load(memories: MemoryQuerySet) -> MemoryQuerySet:
    """Load what `show_memory` shows of each, in one query."""
    return (
        memories.with_relations()
        .select_related("app", "user")
        .only(*SHOWN, "expires_at", "immutable",
              "user__user_id", "user__external_id", "user__owner")
    )  # fmt: skip


def load_users(memories: Iterable[Memory], *, reader: Reader) -> None:
    """Load the users of memories that a search has loaded: one, if the reader is of one."""
    if reader.user.is_stored:
        for memory in memories:
            memory.user = reader.user
    else:
        prefetch_related_objects(list(memories), "user")


def show_memory(memory: Memory) -> dict[str, Any]:
    run = memory.conversation or None
    return {
        "id": str(memory.pk),
        "memory": memory.content,
        **show_scope(memory),
        "session_id": run,
        "metadata": memory.metadata,
        "categories": memory.category_names,
        "immutable": memory.immutable,
        "expiration_date": show_expiry(memory.expires_at),
        "created_at": show_time(memory.created_at),
        "updated_at": show_time(memory.updated_at),
        "replaced_by": memory.superseding_id and str(memory.superseding_id),
        # Mem0's clients compare it. It protects nothing.
        "hash": hashlib.md5(memory.content.encode(), usedforsecurity=False).hexdigest(),
    }


def show_scope(memory: Memory) -> dict[str, str | None]:
    """The four ids of a memory."""
    return {
        "user_id": show_user(memory.user),
        "agent_id": memory.agent_id or None,
        "app_id": None if memory.app.name == DEFAULT_APP else memory.app.name,
        "run_id": memory.conversation or None,
    }


def show_user(user: User) -> str | None:
    return user.named_id or None


def keep_fields(shown: dict[str, Any], fields: Collection[str] | None) -> dict[str, Any]:
    """Keep the fields that are asked for, with the id and the score."""
    if not fields:
        return shown
    kept = {*fields, "id", "score"}
    return {name: value for name, value in shown.items() if name in kept}


def show_time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def show_expiry(moment: datetime | None) -> str | None:
    """The last day, in UTC, on which a memory is shown."""
    if moment is None:
        return None
    return (moment.astimezone(UTC) - timedelta(microseconds=1)).date().isoformat()


def end_of_day(day: date) -> datetime:
    """When a memory expires that is shown through this day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + DAY
