"""The words of a question: how much each of them tells, and which memories have most of them."""

from __future__ import annotations

import math
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, FloatField, Func, Value
from django.db.models.sql.compiler import SQLCompiler

from accounts.models import User
from memories.models import EmbeddingSpace
from memories.models.memory import MemoryQuerySet

# A question is asked by its first words: a text of 32 KiB has thousands, each to be counted.
MOST_LEXEMES = 50

# The rarest lexemes of a question that are in about so many memories together nearly always
# bring the best ones.
ENOUGH_MEMORIES = 300

# Each lexeme of the question with the query that finds it, the number of the user's memories
# that it is in, and the number that there are. At least one row, to say whether the user has
# an index of their own.
COUNTED = r"""
WITH asked AS (
    SELECT lexeme,
        '''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || '''' AS query
    FROM unnest(to_tsvector('english', %(question)s))
    ORDER BY positions[1], lexeme
    LIMIT %(most)s
)
SELECT asked.lexeme, asked.query,
    COALESCE(
        (own.common_words ->> asked.lexeme)::integer,
        (SELECT count(*) FROM memories_memory AS memory
         WHERE memory.user_id = %(user)s AND memory.words @@ asked.query::tsquery)
    ),
    COALESCE(
        own.memories,
        (SELECT count(*) FROM memories_memory AS memory WHERE memory.user_id = %(user)s)
    ),
    own.id IS NOT NULL
FROM (VALUES (1)) AS always
LEFT JOIN asked ON true
LEFT JOIN memories_userindex AS own ON own.user_id = %(user)s AND own.space_id = %(space)s
"""


@dataclass(frozen=True)
class Lexeme:
    text: str
    query: str  # as PostgreSQL reads a tsquery
    memories: int
    weight: float


class HasAny(Func):
    """Whether any of some lexemes is among the words."""

    template = "%(expressions)s::tsquery"
    arg_joiner = " @@ "
    output_field = BooleanField()

    def __init__(self, lexemes: Sequence[Lexeme]) -> None:
        super().__init__(F("words"), Value(" | ".join(lexeme.query for lexeme in lexemes)))


class Weight(Func):
    """The sum of the weights of the lexemes that are among the words.

    One expression however many lexemes there are, as Django takes its time for each.
    """

    output_field = FloatField()

    def __init__(self, lexemes: Sequence[Lexeme]) -> None:
        super().__init__(F("words"))
        self.lexemes = lexemes

    def as_sql(  # type: ignore[override]  # none of the other arguments make sense here
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any
    ) -> tuple[str, list[str | float]]:
        words, _ = compiler.compile(self.source_expressions[0])
        each = f"({words} @@ %s::tsquery)::integer * %s::float8"
        parameters = [part for lexeme in self.lexemes for part in (lexeme.query, lexeme.weight)]
        return f"({' + '.join(each for _ in self.lexemes)})", parameters


def look_up(question: str, *, user: User, space: EmbeddingSpace) -> tuple[list[Lexeme], bool]:
    """Find the lexemes of a question that are in memories of the user, the rarest first.

    Says as well whether the user has an index of their own in this space.

    `ln(1 + (N - df + 0.5) / (df + 0.5))` is the weight of one that is in df of N memories
    (BM25's, of Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009). They
    are counted over all states, so that a weight does not depend on the filters. What was
    counted when the user's own index was made is not counted again.
    """
    asked: dict[str, str | int | uuid.UUID] = {
        "question": question,
        "most": MOST_LEXEMES,
        "user": user.pk,
        "space": space.pk,
    }
    with connection.cursor() as cursor:
        cursor.execute(COUNTED, asked)
        rows = cursor.fetchall()
    found = [
        # The numbers kept with an index are of when it was made: df may have outgrown its N.
        Lexeme(text, query, df, math.log((max(total, df) + 1) / (df + 0.5)))
        for text, query, df, total, _ in rows
        if df
    ]
    return sorted(found, key=lambda lexeme: (lexeme.memories, lexeme.text)), rows[0][-1]


def best_by_words(
    readable: MemoryQuerySet, lexemes: Sequence[Lexeme], *, limit: int
) -> list[uuid.UUID]:
    """Find the memories whose lexemes weigh most in sum; of equal ones, the newest.

    Only the rarest lexemes find memories, and all of them score. A memory without the rarest
    ones weighs at most the sum of the rest: while that could still reach the last place, more
    of them find. So the result is exact, and takes at most two statements.
    """
    finding = _enough(lexemes)
    found = _heaviest(readable, lexemes, finding, limit)
    reached = found[-1][1] if len(found) == limit else 0.0
    needed = _that_could_reach(reached, lexemes)
    if needed > finding:
        found = _heaviest(readable, lexemes, needed, limit)
    return [pk for pk, _ in found]


def _enough(lexemes: Sequence[Lexeme]) -> int:
    """Count the rarest lexemes that are in enough memories together to begin with."""
    together = 0
    for count, lexeme in enumerate(lexemes, start=1):
        together += lexeme.memories
        if together >= ENOUGH_MEMORIES:
            return count
    return len(lexemes)


def _that_could_reach(weight: float, lexemes: Sequence[Lexeme]) -> int:
    """Count the rarest lexemes of which a memory must have one to weigh as much as this."""
    rest = 0.0
    for count in range(len(lexemes), 0, -1):
        rest += lexemes[count - 1].weight
        if rest >= weight:
            return count
    return 0


def _heaviest(
    readable: MemoryQuerySet, lexemes: Sequence[Lexeme], finding: int, limit: int
) -> list[tuple[uuid.UUID, float]]:
    """Score the memories that have any of the first `finding` lexemes by all of them."""
    if not finding:
        return []
    heaviest = (
        readable.filter(HasAny(lexemes[:finding]))
        .annotate(weight=Weight(lexemes))
        .order_by("-weight", "-created_at", "pk")
    )
    return list(heaviest.values_list("pk", "weight")[:limit])
