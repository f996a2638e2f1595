"""Weigh what may be an answer: how near it is to a question, and which of its words it has."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from .query import Question
from .words import Lexeme

# Of each memory: its cosine with the question, null where either has no vector in this space, and
# which of the lexemes, counted from 1, are among its words. Written out, as Django takes longer to
# build and read this than PostgreSQL to answer it.
WEIGHED = """
SELECT memory.id,
    memory.created_at,
    memory.actor,
    memory.actor <> '' OR memory.conversation <> '',
    1 - (embedding.vector <=> %(vector)s::halfvec),
    ARRAY(
        SELECT lexeme.number
        FROM unnest(%(lexemes)s::text[]) WITH ORDINALITY AS lexeme (query, number)
        WHERE memory.words @@ lexeme.query::tsquery
    )
FROM memories_memory AS memory
LEFT JOIN memories_embedding AS embedding
    ON embedding.memory_id = memory.id AND embedding.space_id = %(space)s
WHERE memory.id = ANY(%(ids)s::uuid[])
"""


class Candidate(NamedTuple):
    """A memory that may be an answer, and how much of the question is in it."""

    pk: uuid.UUID
    created_at: datetime
    actor: str
    has_place: bool  # in a conversation
    cosine: float | None
    similarity: float
    matched: Sequence[Lexeme]
    weight: float


def weigh(ids: Collection[uuid.UUID], question: Question) -> list[Candidate]:
    """Weigh these memories by both measures, whichever brought them."""
    if not ids:
        return []
    parameters: dict[str, Any] = {
        "ids": "{" + ",".join(pk.hex for pk in ids) + "}",
        "vector": question.vector_text,
        "space": question.space.pk,
        "lexemes": [lexeme.query for lexeme in question.lexemes],
    }
    with connection.cursor() as cursor:
        cursor.execute(WEIGHED, parameters)
        return [_candidate(question, *row) for row in cursor.fetchall()]


def _candidate(
    question: Question,
    pk: uuid.UUID,
    created_at: datetime,
    actor: str,
    has_place: bool,
    cosine: float | None,
    numbers: Sequence[int],
) -> Candidate:
    matched = [question.lexemes[number - 1] for number in numbers]
    return Candidate(
        pk,
        created_at,
        actor,
        has_place,
        cosine,
        similarity=0.0 if cosine is None else question.space.embedder.calibrate(cosine),
        matched=matched,
        weight=sum(lexeme.weight for lexeme in matched),
    )
