"""The history of a memory: who changed what of it and when, and what it was before."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db.models import CharField, F, QuerySet, Value

from accounts.models import ApiKey, User
from apps_registry.models import App
from memories.models import Memory, Revision, StateChange
from memories.models.state_change import KNOWN, SUPERSEDED

from .reader import Reader


class Change(StrEnum):
    STORED = "stored"
    REVISED = "revised"
    STATE = "state"
    SUPERSEDED = "superseded"
    SUPERSEDES = "supersedes"


@dataclass(frozen=True)
class HistoryEntry:
    """One change of a memory.

    `before` has what changed as it was before, by the names of an answer. `state` is the new state.
    `memory_id` is the memory that replaced it, or that it replaced.
    """

    change: Change
    at: datetime
    by: User | None
    key: ApiKey | None
    app: App | None
    reason: str = ""
    state: str | None = None
    memory_id: uuid.UUID | None = None
    before: Mapping[str, Any] = field(default_factory=dict)


def find_history(memory: Memory, *, reader: Reader) -> QuerySet[Any]:
    """Find the places of all entries, the newest first. `load_entries` loads those of a page."""
    changes = StateChange.objects.order_by()
    sources = [
        (changes.filter(memory=memory), "changed_at", Change.STATE),
        (memory.revisions.order_by(), "edited_at", Change.REVISED),
        (
            changes.filter(superseded_by=memory, memory__in=reader.memories()),
            "changed_at",
            Change.SUPERSEDES,
        ),
    ]
    first, *others = [_places(*source) for source in sources]
    places: QuerySet[Any] = first.union(*others, all=True)
    return places.order_by("-at", "-kind", "-id")


def load_entries(places: Iterable[Mapping[str, Any]], *, reader: Reader) -> list[HistoryEntry]:
    """Load the entries at these places, without what the reader may not read."""
    places = list(places)
    revision_ids = [place["id"] for place in places if place["kind"] == Change.REVISED]
    change_ids = [place["id"] for place in places if place["kind"] != Change.REVISED]
    revisions = Revision.objects.select_related("edited_by", "key", "app").in_bulk(revision_ids)
    changes = StateChange.objects.select_related("changed_by", "key", "app").in_bulk(change_ids)
    newer_ids = [step.superseded_by_id for step in changes.values() if step.superseded_by_id]
    readable = set(reader.memories().filter(pk__in=newer_ids).values_list("pk", flat=True))
    entries = []
    for place in places:
        if place["kind"] == Change.REVISED:
            entries.append(_describe_revision(revisions[place["id"]]))
        elif place["kind"] == Change.SUPERSEDES:
            entries.append(_describe_replaced(changes[place["id"]]))
        else:
            step = changes[place["id"]]
            entries.append(_describe_change(step, readable=readable, reader=reader))
    return entries


def _places(rows: QuerySet[Any], moment: str, kind: Change) -> QuerySet[Any]:
    kinds = Value(str(kind), output_field=CharField())
    places: QuerySet[Any] = rows.annotate(at=F(moment), kind=kinds).values("at", "kind", "id")
    return places


def _describe_revision(revision: Revision) -> HistoryEntry:
    before = {
        "text": revision.content if revision.edits_text else None,
        "metadata_": revision.metadata,
        "categories": revision.categories,
        "actor": revision.actor,
        "conversation": revision.conversation,
        "created_at": revision.said_at and int(revision.said_at.timestamp()),
    }
    return HistoryEntry(
        Change.REVISED,
        revision.edited_at,
        revision.edited_by,
        revision.key,
        revision.app,
        # An empty name was an unknown one.
        before={
            name: None if value == "" else value
            for name, value in before.items()
            if value is not None
        }
        | (revision.terms or {}),
    )


def _describe_change(
    step: StateChange, *, readable: Collection[uuid.UUID], reader: Reader
) -> HistoryEntry:
    newer_id = step.superseded_by_id if step.superseded_by_id in readable else None
    is_superseding = step.superseded_by_id is not None or step.reason in (SUPERSEDED, KNOWN)
    # That a memory which an app may not read has replaced this one is not told.
    is_hidden = is_superseding and newer_id is None and reader.app is not None
    change = Change.SUPERSEDED if is_superseding and not is_hidden else Change.STATE
    return HistoryEntry(
        change if step.old_state else Change.STORED,
        step.changed_at,
        step.changed_by,
        step.key,
        None if is_hidden else step.app,
        reason="" if is_hidden else step.reason,
        state=step.new_state,
        memory_id=newer_id,
        before={"state": step.old_state} if step.old_state else {},
    )


def _describe_replaced(step: StateChange) -> HistoryEntry:
    return HistoryEntry(
        Change.SUPERSEDES,
        step.changed_at,
        step.changed_by,
        step.key,
        step.app,
        reason=step.reason,
        memory_id=step.memory_id,
    )
