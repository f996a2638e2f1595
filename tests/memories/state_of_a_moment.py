"""What the statements of lists, counts and searches read of a user's memories, as digests."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from django.db import transaction

from accounts.models import User
from core.sql import execute, fetch_all
from memories.change_log.as_of import Part

READ = """
SELECT memory.id::text, memory.superseded_by_id::text, md5(concat_ws('|', memory.content,
    memory.metadata, memory.state, memory.app_id, memory.actor, memory.conversation,
    memory.agent_id, memory.namespace, memory.own_key, extract(epoch FROM memory.created_at),
    memory.words, memory.immutable,
    coalesce(extract(epoch FROM memory.expires_at), 0),
    coalesce(extract(epoch FROM memory.valid_from), 0),
    coalesce(extract(epoch FROM memory.valid_until), 0),
    ARRAY(
        SELECT category.name FROM memories_categorization AS categorization
        JOIN memories_category AS category ON category.id = categorization.category_id
        WHERE categorization.memory_id = memory.id ORDER BY category.name
    ),
    ARRAY(
        SELECT (embedding.space_id, embedding.vector, tokens.version, tokens.vectors)::text
        FROM memories_embedding AS embedding
        LEFT JOIN memories_tokenvectors AS tokens ON tokens.embedding_id = embedding.id
        WHERE embedding.memory_id = memory.id ORDER BY embedding.space_id
    )))
FROM memories_memory AS memory
WHERE memory.user_id = %s ORDER BY memory.created_at DESC, memory.id
"""
# As a transaction that reads the past does it: see memories/change_log/as_of.py.
ENTER = """
SELECT set_config('openmemory.as_of_user', %(user)s, true),
    set_config('openmemory.as_of_moment', %(moment)s, true),
    set_config('openmemory.as_of_line',
        memories_sequence_at(%(user)s::uuid, %(moment)s::timestamptz)::text, true)
"""
PART = "SELECT set_config('search_path', %s || ', ' || current_setting('search_path'), true)"
NAMES = "memories_former_names"
# Each memory, which one has superseded it, and the digest.
State = list[tuple[str, str | None, str]]


def read_state(user: User) -> State:
    """The newest first."""
    rows: list[Any] = fetch_all(READ, [user.pk])
    return rows


def read_states(user: User, moments: Sequence[str]) -> list[list[State]]:
    """The states as of these moments: all at once, and from the two parts of the past.

    The statement is planned once for all moments, which takes longer than to read one.
    """
    whole, *parts = (
        _read_part(user, moments, part) for part in (Part.ALL, Part.UNCHANGED, Part.HELD)
    )
    states = []
    for known, *split in zip(whole, *parts, strict=True):
        order = {row[0]: place for place, row in enumerate(known)}
        joined = sorted(chain(*split), key=lambda row: order.get(row[0], -1))
        states.append([known, joined])
    return states


def _read_part(user: User, moments: Sequence[str], part: Part) -> list[State]:
    with transaction.atomic():
        execute(PART, [", ".join([*part.value, NAMES])])
        execute("SET LOCAL jit = off; SET LOCAL plan_cache_mode = force_generic_plan")
        execute(f"PREPARE read_state (uuid) AS {READ.replace('%s', '$1')}")
        states: list[State] = []
        for moment in moments:
            execute(ENTER, {"user": str(user.pk), "moment": moment})
            states.append(fetch_all("EXECUTE read_state (%s)", [user.pk]))
        execute("DEALLOCATE read_state")
        return states


def without(gone: set[str], state: State) -> State:
    """The state without the memories that are gone, and links to them."""
    return [
        (pk, None if newer in gone else newer, digest)
        for pk, newer, digest in state
        if pk not in gone
    ]
