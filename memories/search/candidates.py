"""Load the candidates of a search with their cosine and their lexical score."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from core import sql
from memories.models.memory import MemoryQuerySet
from memories.time_words import TIME_WORDS, Period

from .lexemes import Lexeme
from .query import LATIN_BYTES, Query

# A text of so many characters or fewer says little beside its words for times.
SHORT = 200.0

# The conversation of each memory, null for none; whether it ends as a question; the worth of its
# words for times where the query asks when; its cosine with the query, null where either has no
# vector in this space; whether it is of the period that the query names, and in Latin letters; the
# numbers, from 1, of the lexemes that it has; and whether it is valid. In SQL, as Django takes
# longer to build this query and read its rows than PostgreSQL takes to run it.
CANDIDATES = """
SELECT memory.id,
    memory.created_at,
    memory.actor,
    CASE WHEN memory.actor <> '' OR memory.conversation <> ''
        THEN memory.app_id::text || ' ' || memory.conversation END,
    right(rtrim(memory.content), 1) IN ('?', '\uff1f', '\u061f'),
    CASE WHEN memory.words @@ %(time_words)s::tsquery
        THEN least(1, %(short)s / greatest(1, char_length(memory.content))::float8) ELSE 0 END,
    1 - (embedding.vector <=> %(vector)s::halfvec),
    (memory.created_at >= %(start)s AND memory.created_at < %(end)s)
        OR (memory.valid_from >= %(start)s AND memory.valid_from < %(end)s),
    octet_length(memory.content) < %(latin_bytes)s * char_length(memory.content),
    ARRAY(
        SELECT lexeme.number
        FROM unnest(%(lexemes)s::text[]) WITH ORDINALITY AS lexeme (tsquery, number)
        WHERE memory.words @@ lexeme.tsquery::tsquery
    ),
    (memory.valid_from IS NULL OR memory.valid_from <= %(at)s)
        AND (memory.valid_until IS NULL OR memory.valid_until > %(at)s)
FROM memories_memory AS memory
LEFT JOIN memories_embedding AS embedding
    ON embedding.memory_id = memory.id AND embedding.space_id = %(space)s
WHERE memory.id = ANY(%(ids)s::uuid[])
"""


class Candidate(NamedTuple):
    """A memory that may be a hit, with its scores before they are fused."""

    pk: uuid.UUID
    created_at: datetime
    actor: str
    conversation: str | None
    cosine: float | None
    similarity: float
    matched: Sequence[Lexeme]
    lexical: float
    is_question: bool = False
    time_words: float = 0.0  # 0 to 1
    has_all_words: bool = False
    is_of_period: bool = False
    is_valid: bool = True  # at the time of the query


def load_candidates(ids: Collection[uuid.UUID], query: Query) -> list[Candidate]:
    """Load these memories with both scores, whichever way each of them was found."""
    if not ids:
        return []
    rows = sql.fetch_all(
        CANDIDATES,
        {
            "ids": sql.uuid_array(ids),
            "vector": query.vector_text,
            "space": query.space.pk,
            "start": query.period and query.period.start,
            "end": query.period and query.period.end,
            "latin_bytes": LATIN_BYTES,
            "at": query.at,
            "time_words": TIME_WORDS if query.asks_when else None,
            "short": SHORT,
            "lexemes": [lexeme.tsquery for lexeme in query.lexemes],
        },
    )
    return [_candidate(query, *row) for row in rows]


def find_of_period(memories: MemoryQuerySet, period: Period, *, limit: int) -> list[uuid.UUID]:
    """Find the newest memories of a period: by when they were said, and since when they are valid.

    In two queries, as each has its index.
    """
    ids: list[uuid.UUID] = []
    for name in ("created_at", "valid_from"):
        inside = {f"{name}__gte": period.start, f"{name}__lt": period.end}
        newest = memories.filter(**inside).order_by(f"-{name}", "pk")
        ids += newest.values_list("pk", flat=True)[:limit]
    return ids


def _candidate(
    query: Query,
    pk: uuid.UUID,
    created_at: datetime,
    actor: str,
    conversation: str | None,
    is_question: bool,
    time_words: float,
    cosine: float | None,
    is_of_period: bool | None,
    is_latin: bool,
    lexeme_numbers: Sequence[int],
    is_valid: bool,
) -> Candidate:
    similarity = 0.0
    if cosine is not None and (query.knows_all_scripts or (query.is_latin and is_latin)):
        similarity = query.space.embedder.calibrate(cosine)
    elif query.is_latin:
        cosine = None  # the model does not know the memory's script
    matched = [query.lexemes[number - 1] for number in lexeme_numbers]
    return Candidate(
        pk,
        created_at,
        actor,
        conversation,
        cosine,
        similarity,
        matched=matched,
        lexical=sum(lexeme.idf for lexeme in matched),
        is_question=is_question,
        time_words=time_words,
        has_all_words=0 < query.wanted_terms == sum(lexeme.required for lexeme in matched),
        is_of_period=bool(is_of_period),
        is_valid=is_valid,
    )
