"""What operators did in the admin: who, when, to what. Never what a memory says."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model

__all__ = ["ADDITION", "CHANGE", "DELETION", "log_action"]


def log_action(by: Any, flag: int, of: Model, *, name: str, message: str | list[Any]) -> LogEntry:
    """Write down that this operator has done something to that object.

    `name` is how it is called here, `message` a sentence or Django's list of changed fields.
    """
    entry = LogEntry(
        user=by,
        content_type=ContentType.objects.get_for_model(of, for_concrete_model=False),
        object_id=str(of.pk),
        object_repr=name[:200],
        action_flag=flag,
    )
    entry.change_message = message if isinstance(message, str) else json.dumps(message)
    entry.save(force_insert=True)
    return entry
