"""The operator who uses the admin, and the access log of what they read."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest

from accounts.models import User
from memories.access.log import log_accesses
from memories.models import Memory


def operator(request: HttpRequest) -> User:
    """The signed-in user. The admin has rejected everyone else."""
    return cast(User, request.user)


def log_reading(memory: Memory, *, by: User) -> None:
    """Write to the access log, which the owner can read, that an operator has read a memory."""
    if memory.user_id != by.pk:
        log_accesses([memory], app=None, access_type="admin", metadata={"operator": by.user_id})
