"""The log of what operators did in the admin: who, when, to what. Never a memory's content."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model

__all__ = ["ADDITION", "CHANGE", "DELETION", "log_action"]


def log_action(by: Any, flag: int, obj: Model, *, name: str, message: str | list[Any]) -> LogEntry:
    """Log that an operator did something to an object.

    `name` is the object's name in the log, `message` a sentence or Django's list of changed fields.
    """
    entry = LogEntry(
        user=by,
        content_type=ContentType.objects.get_for_model(obj, for_concrete_model=False),
        object_id=str(obj.pk),
        object_repr=name[:200],
        action_flag=flag,
    )
    entry.change_message = message if isinstance(message, str) else json.dumps(message)
    entry.save(force_insert=True)
    return entry
