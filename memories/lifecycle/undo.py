"""Take back a change of states."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, OuterRef

from accounts.models import User
from core.transactions import change
from memories.models import State, StateChange
from memories.models.memory import MemoryQuerySet

UNDONE = "undone"


def undo_change(moment: datetime, state: State, *, among: MemoryQuerySet, by: User) -> int:
    """Bring memories that a call brought into a state at a moment back to what they were.

    Those that have changed since stay as they are. Returns how many were brought back.
    """
    undone = 0
    changed = among.filter(state=state, state_changed_at=moment)
    with change():
        for former in State:
            changes = StateChange.objects.filter(
                memory=OuterRef("pk"), changed_at=moment, new_state=state, old_state=former
            )
            memories = changed.filter(Exists(changes))
            undone += memories.change_state(former, by=by, reason=UNDONE)
    return undone
