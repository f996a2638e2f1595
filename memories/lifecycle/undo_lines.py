"""Take back changes that the log tells of: one line, or all of a run of inference or an import.

What is taken back is a change like any other: it is checked against what has changed since, kept in
the history, and logged.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from accounts.models import ApiKey, User
from core.errors import Conflict, NotFound
from core.transactions import change
from memories.models import Category, LogLine, Memory, State, Terms
from memories.models.log_line import LogLineQuerySet
from memories.models.state import LIVE
from memories.vectors.embed import EmbeddedTexts, embed_texts

from .rewrite import Draft, rewrite_memory
from .undo import UNDONE

# Texts that are embedded again by one call.
MAX_TEXTS = 1_000
# Lines that an error names.
MAX_NAMED = 100

# They neither stand in the way nor are taken back: the first tells of no change, and a key of its
# own that a memory has given away may be another one's by now.
LEFT_ALONE = (LogLine.Kind.KNOWN, LogLine.Kind.OWN_KEY)


class LineNotFound(NotFound):
    """The log has no line with this sequence."""

    code = "line_not_found"


class NotUndoable(Conflict):
    """A change of this kind cannot be taken back."""

    code = "not_undoable"


class Redacted(Conflict):
    """The content is gone, because the memory was purged: it cannot be brought back."""

    code = "redacted"


class ChangedSince(Conflict):
    """Later changes stand on this one. Take back those first, the last one first."""

    code = "changed_since"

    def __init__(self, sequences: Sequence[int]) -> None:
        named = ", ".join(map(str, sequences[:MAX_NAMED]))
        more = " …" if len(sequences) > MAX_NAMED else ""
        super().__init__(f"{ChangedSince.__doc__} They are the lines {named}{more}.")
        self.members = {"lines": list(sequences[:MAX_NAMED])}


@dataclass(frozen=True)
class Undo:
    """What taking back does: how a memory was before the first of the lines about it."""

    lines: Sequence[LogLine]
    before: Mapping[uuid.UUID, dict[str, Any] | None]  # None: it was not there

    @property
    def ids(self) -> list[uuid.UUID]:
        return sorted(self.before)


def undo_line(sequence: int, *, user: User, by: User, key: ApiKey | None = None) -> int:
    """Take back the change of one line. Returns how many memories changed.

    Raises LineNotFound, NotUndoable, Redacted and ChangedSince.
    """
    return _undo([_find_line(sequence, user)], user=user, by=by, key=key)


def undo_run(sequence: int, *, user: User, by: User, key: ApiKey | None = None) -> int:
    """Take back all changes of the run of inference, or of the import, that a line is part of.

    All or none. Returns how many memories changed. Raises as `undo_line` does.
    """
    line = _find_line(sequence, user)
    if line.run is None:
        raise NotUndoable("This line is part of no run of inference and of no import.")
    lines = LogLine.objects.of_user(user).filter(run=line.run, memory_id__isnull=False)
    lines = lines.exclude(kind__in=LEFT_ALONE).order_by("sequence")
    return _undo(list(lines), user=user, by=by, key=key)


def _find_line(sequence: int, user: User) -> LogLine:
    line = LogLine.objects.of_user(user).filter(sequence=sequence).first()
    if line is None:
        raise LineNotFound
    return line


def _undo(lines: Sequence[LogLine], *, user: User, by: User, key: ApiKey | None) -> int:
    embedded: dict[str, EmbeddedTexts] = {}
    while True:
        undo = _plan(lines, user)
        missing = _texts_to_embed(undo) - embedded.keys()
        if missing:
            embedded |= _embed(sorted(missing))
        with change():
            # Locked before they are read: they may have changed while the model ran.
            list(Memory.objects.filter(pk__in=undo.ids).locked().values_list("pk"))
            undo = _plan(lines, user)
            if _texts_to_embed(undo) <= embedded.keys():
                return _apply(undo, embedded, by=by, key=key)


def _plan(lines: Sequence[LogLine], user: User) -> Undo:
    """Raises NotUndoable, Redacted and ChangedSince."""
    first: dict[uuid.UUID, int] = {}
    sequences = [line.sequence for line in lines]
    if not lines:
        raise NotUndoable
    for line in lines:
        if line.memory_id is None or line.kind in LEFT_ALONE:
            raise NotUndoable
        if line.kind in (LogLine.Kind.PURGED, LogLine.Kind.ERASED):
            raise Redacted
        first.setdefault(line.memory_id, line.sequence)
    about = LogLine.objects.of_user(user).filter(memory_id__in=first)
    if about.filter(sequence__in=sequences, snapshot__isnull=True).exists():
        raise Redacted
    _require_newest(about, first, sequences)
    before: dict[uuid.UUID, dict[str, Any] | None] = dict.fromkeys(first)
    earlier = about.filter(sequence__lt=max(sequences)).order_by("sequence")
    rows = earlier.values_list("memory_id", "sequence", "snapshot")
    before |= {pk: snapshot for pk, sequence, snapshot in rows if pk and sequence < first[pk]}
    return Undo(lines, before)


def _require_newest(
    about: LogLineQuerySet, first: Mapping[uuid.UUID, int], sequences: Sequence[int]
) -> None:
    later = about.filter(sequence__gt=min(sequences)).exclude(sequence__in=sequences)
    later = later.exclude(kind__in=LEFT_ALONE)
    standing = [
        sequence
        for sequence, memory_id in later.order_by("sequence").values_list("sequence", "memory_id")
        if memory_id is not None and sequence > first[memory_id]
    ]
    if standing:
        raise ChangedSince(standing)


def _texts_to_embed(undo: Undo) -> set[str]:
    contents = dict(Memory.objects.filter(pk__in=undo.ids).values_list("pk", "content"))
    texts = {
        before["content"]
        for pk, before in undo.before.items()
        if before is not None and pk in contents and contents[pk] != before["content"]
    }
    if len(texts) > MAX_TEXTS:
        raise NotUndoable(
            f"More than {MAX_TEXTS} texts would have to be embedded. Take back single lines."
        )
    return texts


def _embed(texts: Sequence[str]) -> dict[str, EmbeddedTexts]:
    embedded = embed_texts(texts)
    return {text: embedded.at(index) for index, text in enumerate(texts)}


def _apply(
    undo: Undo, embedded: Mapping[str, EmbeddedTexts], *, by: User, key: ApiKey | None
) -> int:
    memories = Memory.objects.filter(pk__in=undo.ids).select_related("user", "app").in_bulk()
    by_state: dict[State, list[uuid.UUID]] = defaultdict(list)
    for pk, before in undo.before.items():
        if before is None:
            by_state[State.DELETED].append(pk)
            continue
        _restore_content(memories[pk], before, embedded, by=by, key=key)
        by_state[State(before["state"])].append(pk)
    for state, ids in by_state.items():
        changing = Memory.objects.filter(pk__in=ids).reached_by(key)
        changing.change_state(state, by=by, reason=UNDONE)
    _restore_links(undo)
    return len(undo.before)


def _restore_content(
    memory: Memory,
    before: Mapping[str, Any],
    embedded: Mapping[str, EmbeddedTexts],
    *,
    by: User,
    key: ApiKey | None,
) -> None:
    terms = {name: _time(before[name]) for name in ("expires_at", "valid_from", "valid_until")}
    categories = Category.objects.filter(pk__in=before["categories"]).select_related("merged_into")
    draft = Draft(
        content=before["content"],
        metadata=before["metadata"],
        actor=before["actor"],
        conversation=before["conversation"],
        created_at=_time(before["created_at"]) or memory.created_at,
        terms=Terms(**terms, immutable=before["immutable"]),
        categories=list({each.merged_into or each for each in categories}),
    )
    rewrite_memory(memory, draft, embedded.get(before["content"]), by=by, key=key)
    # A snapshot names no agent where there was none.
    owners = {"app_id": uuid.UUID(before["app"]), "agent_id": before.get("agent_id", "")}
    if any(getattr(memory, name) != value for name, value in owners.items()):
        Memory.objects.filter(pk=memory.pk).update(**owners)


def _restore_links(undo: Undo) -> None:
    """Link what was superseded to the memory that it was superseded by, if that is there."""
    links = {
        pk: before["superseded_by"]
        for pk, before in undo.before.items()
        if before and before["superseded_by"] and before["state"] not in LIVE
    }
    there = set(Memory.objects.filter(pk__in=links.values()).values_list("pk", flat=True))
    for pk, newer in links.items():
        if uuid.UUID(newer) in there:
            Memory.objects.filter(pk=pk).update(superseded_by=newer)


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
