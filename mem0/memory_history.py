"""The history of a memory as Mem0's API shows it: the oldest first."""

from __future__ import annotations

from typing import Any

from accounts.models import ApiKey
from memories.access.history import Change, HistoryEntry, find_history, load_entries
from memories.access.reader import Reader
from memories.models import Memory, State

from .memory_shape import show_scope, show_time

# Of the newest changes.
MAX_ENTRIES = 1_000


def show_history(memory: Memory, *, key: ApiKey) -> list[dict[str, Any]]:
    reader = Reader(memory.user, key=key, sees_expired=True)
    entries = load_entries(find_history(memory, reader=reader)[:MAX_ENTRIES], reader=reader)
    scope = show_scope(memory)
    run = scope.pop("run_id")
    shown, text = [], memory.content
    for number, entry in enumerate(entries):
        event, old, new = _describe(entry, text)
        text = entry.before.get("text") or text
        if event is None:
            continue
        shown.append(
            {
                "id": f"{memory.pk}:{len(entries) - number}",
                "memory_id": str(memory.pk),
                "event": event,
                "old_memory": old,
                "new_memory": new,
                "input": [],
                **scope,
                "session_id": run,
                "metadata": memory.metadata,
                "categories": memory.category_names,
                "created_at": show_time(memory.created_at),
                "updated_at": show_time(entry.at),
            }
        )
    return shown[::-1]


def _describe(entry: HistoryEntry, text: str) -> tuple[str | None, str | None, str | None]:
    """The event of a change, with the text before and after it."""
    if entry.change == Change.STORED:
        return "ADD", None, text
    if entry.change == Change.REVISED:
        return "UPDATE", entry.before.get("text") or text, text
    if entry.change == Change.STATE and entry.state == State.DELETED:
        return "DELETE", text, None
    return None, None, None
