from __future__ import annotations

from accounts.models import User
from memories.access.log import log_accesses
from memories.models import Memory


def note_reading(memory: Memory, *, by: User) -> None:
    """Let the person know that an operator has read their memory, and who."""
    if memory.user_id != by.pk:
        log_accesses([memory], app=None, access_type="admin", metadata={"operator": by.user_id})
