"""The log of what operators did in the admin: who, when, to what. Never a memory's content."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model

__all__ = ["ADDITION", "CHANGE", "DELETION", "log_action", "log_changes"]


def log_action(by: Any, flag: int, obj: Model, *, name: str, message: str | list[Any]) -> LogEntry:
    """Log that an operator did something to an object.

    `name` is the object's name in the log, `message` a sentence or Django's list of changed fields.
    """
    text = message if isinstance(message, str) else json.dumps(message)
    entry = _build_entry(by, flag, type(obj), obj.pk, name=name, text=text)
    entry.save(force_insert=True)
    return entry


def log_changes(by: Any, model: type[Model], pks: Collection[Any], *, text: str) -> None:
    """Log that an operator changed many objects, which are named by their keys."""
    entries = (_build_entry(by, CHANGE, model, pk, name=str(pk), text=text) for pk in pks)
    LogEntry.objects.bulk_create(entries, batch_size=1000)


def _build_entry(
    by: Any, flag: int, model: type[Model], pk: Any, *, name: str, text: str
) -> LogEntry:
    return LogEntry(
        user=by,
        content_type=ContentType.objects.get_for_model(model, for_concrete_model=False),
        object_id=str(pk),
        object_repr=name[:200],
        action_flag=flag,
        change_message=text,
    )
