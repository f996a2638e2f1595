"""What the page of a memory shows. Each of its lists is limited."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.db.models.functions import Left
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from memories.access.reader import Reader
from memories.models import EmbeddingSpace, Memory, Revision, State
from memories.models.memory import MemoryQuerySet
from memories.models.state import EXPIRED
from memories.search.neighbours import find_neighbours
from memories.search.related import find_related
from memories.vectors.migration import STATE_LABELS

# How many of each are shown: the newest, or the most related.
MAX_STEPS = 50
MAX_REVISIONS = 20
MAX_ACCESSES = 50
MAX_RELATED = 10
MAX_SUPERSEDED = 20
MAX_DISTANCE = 3  # in the conversation

# Characters shown of another memory.
EXCERPT = 300

COLOURS = {
    "active": "success",
    "paused": "warning",
    "archived": "info",
    "deleted": "danger",
    EXPIRED: "danger",
}


@display(description="Content")
def content(memory: Memory) -> SafeString:
    return format_html('<div dir="auto" class="memory-text">{}</div>', memory.content)


@display(description="State")
def state(memory: Memory) -> SafeString:
    since = memory.state_changed_at.strftime("%Y-%m-%d %H:%M:%S")
    before = "Expired; before: " if memory.shown_state == EXPIRED else ""
    return format_html("{}{}, since {}", before, State(memory.state).label, since)


@display(description="Categories")
def categories(memory: Memory) -> str:
    names = memory.categories.order_by("name").values_list("name", flat=True)
    return ", ".join(names) or "none"


@display(description="Metadata")
def metadata(memory: Memory) -> SafeString | str:
    if not memory.metadata:
        return "none"
    formatted = json.dumps(memory.metadata, indent=2, ensure_ascii=False, sort_keys=True)
    return format_html('<pre dir="ltr" tabindex="0" class="memory-metadata">{}</pre>', formatted)


FIELDS = (
    content, "user", "app", state, categories, "created_at", "updated_at", "actor", "conversation",
    "agent_id", "namespace", "own_key", "expires_at", "immutable", "valid_from", "valid_until",
    metadata, "id",
)  # fmt: skip
FIELDSETS = (
    (None, {"fields": (content,)}),
    (
        "Details",
        {
            "fields": (
                ("user", "app"), (state, categories), ("created_at", "updated_at"),
                ("actor", "conversation"), ("agent_id", "immutable"), ("namespace", "own_key"),
                ("valid_from", "valid_until"), ("expires_at", "id"), metadata,
            )
        },
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One line in the history of a memory, or a memory connected with it."""

    text: str = ""
    when: datetime | None = None
    label: str = ""
    colour: str = ""
    note: str = ""
    link: str = ""
    restore: str = ""  # the address to post to
    long: bool = False  # collapsed


@dataclass(frozen=True)
class Section:
    title: str
    empty: str
    entries: list[Entry] = field(default_factory=list)


def build_sections(memory: Memory, *, may_operate: bool) -> list[Section]:
    others = Memory.objects.annotate(excerpt=Left("content", EXCERPT)).defer(
        "content", "metadata", "words", "fingerprint"
    )
    return [
        *_superseding(memory, others, may_operate=may_operate),
        _conversation(memory, others),
        _related(memory, others),
        _states(memory),
        _revisions(memory),
        _accesses(memory),
        _vectors(memory),
    ]


def _superseding(memory: Memory, others: MemoryQuerySet, *, may_operate: bool) -> Iterable[Section]:
    if memory.superseded_by_id:
        newer = others.filter(pk=memory.superseded_by_id)
        yield Section("Superseded by", "", [_entry(other) for other in newer])
    older = others.filter(superseded_by=memory).order_by("created_at", "pk")[:MAX_SUPERSEDED]
    entries = [_entry(other, restorable=may_operate) for other in older]
    if entries:
        yield Section("Supersedes", "", entries)


def _conversation(memory: Memory, others: MemoryQuerySet) -> Section:
    neighbours = find_neighbours([memory.pk], places=MAX_DISTANCE, among=Memory.objects.active())
    places = {neighbour.pk: neighbour.place for neighbour in neighbours.get(memory.pk, [])}
    ordered = sorted(others.filter(pk__in=places), key=lambda other: places[other.pk])
    entries = [_entry(other, note=_describe_place(places[other.pk], other)) for other in ordered]
    return Section("Neighbours in its conversation", "It has no neighbours.", entries)


def _related(memory: Memory, others: MemoryQuerySet) -> Section:
    active = Reader(memory.user).memories().active()
    ids = list(find_related(memory, among=active).values_list("pk", flat=True)[:MAX_RELATED])
    related = others.in_bulk(ids)
    entries = [_entry(related[pk]) for pk in ids if pk in related]
    return Section("Related memories", "No active memory shares a category with it.", entries)


def _states(memory: Memory) -> Section:
    steps = memory.state_changes.select_related("changed_by").order_by("-changed_at", "-id")
    entries = [
        Entry(
            when=step.changed_at,
            label=step.new_state,
            colour=COLOURS[step.new_state],
            text=step.reason,
            note=f"by {step.changed_by}" if step.changed_by else "by an unknown user",
        )
        for step in steps[:MAX_STEPS]
    ]
    return Section("State changes", "Its history was not recorded.", entries)


def _revisions(memory: Memory) -> Section:
    revisions = memory.revisions.select_related("edited_by").order_by("-edited_at", "-id")
    entries = [
        Entry(
            when=revision.edited_at,
            text=revision.content if revision.edits_text else _describe_terms(revision),
            note=f"until {revision.edited_by} edited it" if revision.edited_by else "",
            long=True,
        )
        for revision in revisions[:MAX_REVISIONS]
    ]
    return Section("Revisions", "It was never edited.", entries)


def _describe_terms(revision: Revision) -> str:
    """What the terms were before an edit that left the text as it was."""
    former = [f"{name}: {_format_term(value)}" for name, value in (revision.terms or {}).items()]
    return "; ".join(["The text stayed as it was", *former]) + "."


def _format_term(value: float | None) -> str:
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S}"


def _accesses(memory: Memory) -> Section:
    accesses = memory.accesses.select_related("app").order_by("-accessed_at", "-id")
    entries = [
        Entry(
            when=access.accessed_at,
            label=access.access_type,
            text=str(access.app) if access.app else access.metadata.get("operator", ""),
        )
        for access in accesses[:MAX_ACCESSES]
    ]
    return Section("Access log", "No app or operator has read it.", entries)


def _vectors(memory: Memory) -> Section:
    embedded = set(memory.embeddings.values_list("space", flat=True))
    entries = [
        Entry(
            label="embedded" if space.pk in embedded else "missing",
            colour="success" if space.pk in embedded else "warning",
            text=str(space),
            note=STATE_LABELS[EmbeddingSpace.State(space.state)],
        )
        for space in EmbeddingSpace.objects.order_by("pk")
    ]
    return Section("Vectors", "There is no embedding space.", entries)


def _entry(memory: Memory, *, note: str = "", restorable: bool = False) -> Entry:
    restorable = restorable and memory.state == State.ARCHIVED
    return Entry(
        text=memory.excerpt,  # type: ignore[attr-defined]
        when=memory.created_at,
        label=memory.shown_state,
        colour=COLOURS[memory.shown_state],
        note=note,
        link=reverse("admin:memories_memory_change", args=[memory.pk]),
        restore=reverse("admin:memories_memory_restore", args=[memory.pk]) if restorable else "",
    )


def _describe_place(place: int, memory: Memory) -> str:
    side = "before" if place < 0 else "after"
    speaker = f", said by {memory.actor}" if memory.actor else ""
    return f"{abs(place)} {side} it{speaker}"
