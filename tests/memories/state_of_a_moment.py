"""What the statements of lists, counts and searches read of a user's memories, as digests."""

from __future__ import annotations

from typing import Any

from accounts.models import User
from core.sql import fetch_all

READ = """
SELECT memory.id::text, memory.superseded_by_id::text, md5(concat_ws('|', memory.content,
    memory.metadata, memory.state, memory.app_id, memory.actor, memory.conversation,
    memory.agent_id, extract(epoch FROM memory.created_at), memory.words, memory.immutable,
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
# Each memory, which one has superseded it, and the digest.
State = list[tuple[str, str | None, str]]


def read_state(user: User) -> State:
    """The newest first."""
    rows: list[Any] = fetch_all(READ, [user.pk])
    return rows


def without(gone: set[str], state: State) -> State:
    """The state without the memories that are gone, and links to them."""
    return [
        (pk, None if newer in gone else newer, digest)
        for pk, newer, digest in state
        if pk not in gone
    ]
