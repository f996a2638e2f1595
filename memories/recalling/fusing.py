"""Weigh candidates by meaning and by words, and put both into one score."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from .question import Question
from .words import Lexeme

NEARNESS_WEIGHT = 0.6
WORDS_WEIGHT = 0.4

# Of each candidate, the newest first: its cosine with the question, null where either has no
# vector in this space, and which of the lexemes, counted from 1, are among its words. Written
# out, as Django takes longer to build and read this than PostgreSQL to answer it.
WEIGHED = """
SELECT memory.id,
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
ORDER BY memory.created_at DESC, memory.id
"""


@dataclass(frozen=True)
class Candidate:
    """A memory that may be an answer, and how much of the question is in it."""

    pk: uuid.UUID
    cosine: float | None
    similarity: float
    matched: Sequence[Lexeme]
    weight: float


@dataclass(frozen=True)
class Ranked:
    """A candidate with its score, and the two parts of it, all from 0 to 1."""

    candidate: Candidate
    nearness: float
    words: float

    @property
    def score(self) -> float:
        return NEARNESS_WEIGHT * self.nearness + WORDS_WEIGHT * self.words


def weigh(ids: Collection[uuid.UUID], question: Question) -> list[Candidate]:
    """Weigh these memories by both measures, whichever brought them; the newest come first."""
    parameters: dict[str, Any] = {
        "ids": "{" + ",".join(map(str, ids)) + "}",
        "vector": question.vector and question.vector.to_text(),
        "space": question.space.pk,
        "lexemes": [lexeme.query for lexeme in question.lexemes],
    }
    with connection.cursor() as cursor:
        cursor.execute(WEIGHED, parameters)
        rows = cursor.fetchall()
    return [_candidate(question, pk, cosine, numbers) for pk, cosine, numbers in rows]


def rank(candidates: Sequence[Candidate]) -> list[Ranked]:
    """Score the candidates against each other, the best first; equal ones stay as they stood.

    The nearest has the nearness 1 and the farthest 0; where none is nearer than another, all
    have 1. The words of a memory count against the most that any candidate has. One without a
    vector, as of a moment ago, is judged by its words alone.
    """
    cosines = [each.cosine for each in candidates if each.cosine is not None]
    farthest, nearest = min(cosines, default=0.0), max(cosines, default=0.0)
    most = max((each.weight for each in candidates), default=0.0)
    ranked = []
    for each in candidates:
        words = each.weight / most if most else 0.0
        nearness = words if each.cosine is None else _nearness(each.cosine, farthest, nearest)
        ranked.append(Ranked(each, nearness, words))
    return sorted(ranked, key=lambda each: each.score, reverse=True)


def _candidate(
    question: Question, pk: uuid.UUID, cosine: float | None, numbers: Sequence[int]
) -> Candidate:
    matched = [question.lexemes[number - 1] for number in numbers]
    return Candidate(
        pk,
        cosine,
        similarity=0.0 if cosine is None else question.space.embedder.calibrate(cosine),
        matched=matched,
        weight=sum(lexeme.weight for lexeme in matched),
    )


def _nearness(cosine: float, farthest: float, nearest: float) -> float:
    if farthest == nearest:
        return 1.0
    return (cosine - farthest) / (nearest - farthest)
