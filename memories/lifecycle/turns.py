"""Tell a speaker from a label where a text begins with a name: `Ana: I like tea.`

`Coffee: no sugar` looks the same. A speaker is known from another memory, or takes turns with
another one in the memories of a conversation. See docs/decisions/0020-actors.md.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from itertools import combinations, groupby

from accounts.models import User
from apps_registry.models import App
from memories.models import Memory
from memories.models.state import LIVE

from .attribution import leading_name

# How many memories before it tell whether a text is part of a conversation.
MAX_TURNS = 20
# Of a conversation without a name: as far apart as neighbours may be.
MAX_PAUSE = timedelta(minutes=30)

# Two who speak in turn, and both come back: a list of notes seldom does that.
MIN_TURNS = 4


def is_known_speaker(name: str, *, user: User, app: App) -> bool:
    """Whether a memory that the app may read has this actor."""
    memories = Memory.objects.owned_by(user).exclude(actor="").said_by([name])
    return memories.undeleted().unexpired().readable_by(app).exists()


def recognize_speaker(memory: Memory) -> str:
    """Find who says a new memory, by the name that it begins with; empty if that may be a label.

    Earlier memories of its conversation that begin with the name of a speaker get their actors, in
    the caller's transaction: the first turns could not tell.
    """
    name = leading_name(memory.content)
    if not name or is_known_speaker(name, user=memory.user, app=memory.app):
        return name
    turns = _earlier_turns(memory)
    speakers = find_speakers([*turns.values(), name])
    if name not in speakers:
        return ""
    unattributed = Memory.objects.filter(pk__in=turns, actor="", immutable=False).locked()
    for earlier in unattributed.only("pk"):
        if turns[earlier.pk] in speakers:
            Memory.objects.filter(pk=earlier.pk).update(actor=turns[earlier.pk])
    return name


def find_speakers(names: Sequence[str]) -> set[str]:
    """Find those who take turns with another one, in a sequence of names and of labels."""
    speakers = set()
    for pair in combinations(sorted(set(names)), 2):
        turns = [name for name, _ in groupby(name for name in names if name in pair)]
        if len(turns) >= MIN_TURNS:
            speakers |= set(pair)
    return speakers


def _earlier_turns(memory: Memory) -> dict[uuid.UUID, str]:
    """The memories before it in its conversation, in order, by the names that they begin with."""
    memories = Memory.objects.owned_by(memory.user).filter(
        app=memory.app, conversation=memory.conversation, state__in=LIVE
    )
    if not memory.conversation:
        memories = memories.filter(
            created_at__range=(memory.created_at - MAX_PAUSE, memory.created_at + MAX_PAUSE)
        )
    newest = memories.unexpired().readable_by(memory.app).order_by("-created_at", "-arrival", "-pk")
    rows = newest.values_list("pk", "content", "actor")[:MAX_TURNS]
    names = {pk: actor or leading_name(content) for pk, content, actor in reversed(rows)}
    return {pk: name for pk, name in names.items() if name}
