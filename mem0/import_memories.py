"""Bring memories from a Mem0, with their ids and times. Twice changes nothing."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps_registry.acting_app import get_writing_app
from core.errors import Malformed, OpenMemoryError
from core.visible_text import is_visible
from memories.lifecycle.import_batch import (
    BATCH,
    Destination,
    ForeignMemory,
    find_unknown,
    import_batch,
)
from memories.lifecycle.remember import NewMemory
from memories.limits import MAX_CATEGORY_NAME, MAX_TEXT_BYTES
from memories.models import Terms

from .entity_register import app_entity, register_entities
from .filter_fields import read_day
from .import_source import TEXTS
from .memory_shape import end_of_day
from .message_list import NamedScope, NobodyNamed, read_metadata, read_scope, read_timestamp
from .tenant import Tenant


class InvalidMemory(Malformed):
    """A memory of the source cannot be stored."""


@dataclass
class ImportOutcome:
    created: int = 0
    known: int = 0
    empty: int = 0
    users: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class _Row:
    scope: NamedScope
    memory: ForeignMemory


def import_memories(
    tenant: Tenant, memories: Iterable[Mapping[str, Any]], *, is_dry_run: bool = False
) -> ImportOutcome:
    """Store what is not known by its id. All is checked before anything is written.

    Raises InvalidMemory, and as `store_end_user` does.
    """
    outcome = ImportOutcome()
    groups: dict[str | None, list[_Row]] = defaultdict(list)
    seen: set[uuid.UUID] = set()
    for number, memory in enumerate(memories, 1):
        row = _read_row(tenant, memory, number)
        if row is None:
            outcome.empty += 1
        elif row.memory.pk in seen:
            outcome.known += 1
        else:
            seen.add(row.memory.pk)
            groups[row.scope.user_id].append(row)
    for name, rows in groups.items():
        outcome.users.add(name or "")
        for begin in range(0, len(rows), BATCH):
            _import_batch(tenant, name, rows[begin : begin + BATCH], outcome, is_dry_run)
    return outcome


def _import_batch(
    tenant: Tenant,
    user_name: str | None,
    rows: Sequence[_Row],
    outcome: ImportOutcome,
    is_dry_run: bool,
) -> None:
    user = tenant.find_user(user_name)
    destination = Destination(user, tenant.account, tenant.users(), tenant.account.pk)
    if is_dry_run:
        created = len(find_unknown([row.memory.pk for row in rows], destination))
    else:
        created = _store(tenant, rows, destination)
    outcome.created += created
    outcome.known += len(rows) - created


def _store(tenant: Tenant, rows: Sequence[_Row], destination: Destination) -> int:
    user = destination.user
    unknown = find_unknown([row.memory.pk for row in rows], destination)
    names = {row.scope.app_id for row in rows if row.memory.pk in unknown}
    apps = {name: get_writing_app(tenant.key, user=user, app_name=name) for name in names}

    def note(ids: Mapping[uuid.UUID, uuid.UUID]) -> None:
        for row in rows:
            if row.memory.pk in ids:
                named = {**row.scope.named(), "app_id": app_entity(row.scope.app_id)}
                entities = {name: value for name, value in named.items() if value}
                register_entities(tenant, entities, user=user)

    pending = [(row.memory, apps[row.scope.app_id]) for row in rows if row.memory.pk in unknown]
    return import_batch(pending, destination, note=note)


def _read_row(tenant: Tenant, memory: Mapping[str, Any], number: int) -> _Row | None:
    """A memory of the source, None if it has no text. Raises InvalidMemory."""
    texts = (memory.get(name) for name in TEXTS)
    text = next((each for each in texts if isinstance(each, str)), "")
    if not is_visible(text):
        return None
    try:
        new = _read_new(tenant, memory, text)
        return _Row(_read_scope(memory), ForeignMemory(new, _read_categories(memory)))
    except OpenMemoryError as error:
        raise InvalidMemory(f"Memory {number}: {error.detail}") from error


def _read_scope(memory: Mapping[str, Any]) -> NamedScope:
    ids = {name: memory.get(name) for name in ("user_id", "agent_id", "app_id")}
    try:
        return read_scope({**ids, "run_id": memory.get("run_id") or memory.get("session_id")})
    except NobodyNamed:
        return NamedScope()


def _read_new(tenant: Tenant, memory: Mapping[str, Any], text: str) -> NewMemory:
    if len(text.encode()) > MAX_TEXT_BYTES:
        raise Malformed(f"A text has at most {MAX_TEXT_BYTES:,} bytes.")
    day = memory.get("expiration_date")
    scope = _read_scope(memory)
    return NewMemory(
        text,
        infer=False,
        metadata=read_metadata(memory.get("metadata")) or {},
        conversation=scope.run_id or "",
        agent_id=scope.agent_id or "",
        learned_at=_read_time(memory.get("created_at")),
        updated_at=_read_time(memory.get("updated_at") or memory.get("created_at")),
        pk=_read_id(tenant, memory, text),
        terms=Terms(
            expires_at=end_of_day(read_day("expiration_date", day)) if day else None,
            immutable=memory.get("immutable") is True,
        ),
    )


def _read_id(tenant: Tenant, memory: Mapping[str, Any], text: str) -> uuid.UUID:
    """What has no id gets one from what it says of whom, so that twice is once."""
    given = memory.get("id")
    try:
        return uuid.UUID(str(given))
    except ValueError:
        scope = [memory.get(name) for name in ("user_id", "agent_id", "app_id", "run_id")]
        return uuid.uuid5(tenant.account.pk, repr([given, *scope, text]))


def _read_time(value: Any) -> datetime | None:
    return None if value in (None, "") else read_timestamp(value)


def _read_categories(memory: Mapping[str, Any]) -> Sequence[str]:
    names = memory.get("categories") or []
    if not isinstance(names, list):
        raise Malformed("`categories` is a list.")
    return [
        name
        for name in dict.fromkeys(names)
        if isinstance(name, str) and is_visible(name) and len(name) <= MAX_CATEGORY_NAME
    ]
