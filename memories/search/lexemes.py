"""Keyword search: the lexemes of a query, and the memories with the best lexical scores."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, FloatField, Func, Value
from django.db.models.sql.compiler import SQLCompiler

from memories.access.reader import Reader
from memories.models import EmbeddingSpace
from memories.models.memory import MemoryQuerySet
from memories.words import Term, query_terms

from .search_vector import any_of
from .word_counts import count_words

# A query counts by its first lexemes: a text of 32 KiB has thousands, each to be counted.
MAX_LEXEMES = 50

# The rarest lexemes that together occur in about this many memories nearly always find the best.
ENOUGH_MEMORIES = 300
# To read so many takes as long as a second query.
MANY_MEMORIES = 2000

# PostgreSQL and Python may add up a score in another order.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Lexeme:
    """A term of the query: a memory has it if it has any of its forms."""

    text: str
    tsquery: str
    document_frequency: int
    idf: float
    required: bool = True


class HasWords(Func):
    """Whether a memory has the lexemes that a `tsquery` asks for."""

    template = "%(expressions)s::tsquery"
    arg_joiner = " @@ "
    output_field = BooleanField()

    def __init__(self, tsquery: str) -> None:
        super().__init__(F("words"), Value(tsquery))


class LexicalScore(Func):
    """The sum of the idf of the lexemes that a memory has.

    One expression however many lexemes there are, as each expression costs Django time.
    """

    output_field = FloatField()

    def __init__(self, lexemes: Sequence[Lexeme]) -> None:
        super().__init__(F("words"))
        self.lexemes = lexemes

    def as_sql(  # type: ignore[override]  # none of the other arguments make sense here
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any
    ) -> tuple[str, list[str | float]]:
        words, _ = compiler.compile(self.source_expressions[0])
        term = f"({words} @@ %s::tsquery)::integer * %s::float8"
        parameters = [part for lexeme in self.lexemes for part in (lexeme.tsquery, lexeme.idf)]
        return f"({' + '.join(term for _ in self.lexemes)})", parameters


def lexical_score(lexemes: Sequence[Lexeme]) -> tuple[str, dict[str, str | float]]:
    """The same in SQL, of the column `words`, with its parameters."""
    parameters: dict[str, str | float] = {}
    for number, lexeme in enumerate(lexemes):
        parameters |= {f"lexeme{number}": lexeme.tsquery, f"idf{number}": lexeme.idf}
    term = "(words @@ %(lexeme{0})s::tsquery)::integer * %(idf{0})s::float8"
    return " + ".join(term.format(number) for number in range(len(lexemes))), parameters


def any_lexeme(lexemes: Iterable[Lexeme]) -> str:
    """A `tsquery` for memories with any of these."""
    return " | ".join(lexeme.tsquery for lexeme in lexemes)


def parse_terms(text: str) -> list[Term]:
    """The terms that a query counts by, those that a memory should have before the others."""
    return sorted(query_terms(text), key=lambda term: not term.required)[:MAX_LEXEMES]


class QueryLexemes(NamedTuple):
    """The terms of a query: those that memories have, the rarest first, and those that none has.

    `memories` is the number of memories that they were counted among. `has_index`: the user has an
    index in this space. `space`: the row of the current space by then.
    """

    known: list[Lexeme]
    unknown: list[Lexeme]
    memories: int
    has_index: bool
    space: str | None


def query_lexemes(terms: Sequence[Term], *, reader: Reader, space: EmbeddingSpace) -> QueryLexemes:
    """Query in how many of the memories that the reader can find these terms occur.

    The idf of a lexeme in df of N memories is `ln(1 + (N - df + 0.5) / (df + 0.5))` (BM25's, of
    Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009). Active memories that
    the reader may read count, whatever the filters: a weight must not tell which words the others
    have. What was counted when the index was built is not counted again.
    """
    tsqueries = [any_of(term.forms) for term in terms]
    counts = count_words([term.forms for term in terms], reader=reader, space=space)
    lexemes = [
        # The counts kept with an index are from when it was built: df may have outgrown its N.
        Lexeme(
            term.text,
            tsquery,
            df,
            idf=math.log((max(counts.memories, df) + 1) / (df + 0.5)),
            required=term.required,
        )
        for term, tsquery, df in zip(terms, tsqueries, counts.by_word, strict=True)
    ]
    known = [lexeme for lexeme in lexemes if lexeme.document_frequency]
    known.sort(key=lambda lexeme: (lexeme.document_frequency, lexeme.text))
    unknown = [lexeme for lexeme in lexemes if not lexeme.document_frequency]
    return QueryLexemes(known, unknown, counts.memories, counts.has_index, counts.space)


def with_all_words(memories: MemoryQuerySet, text: str) -> MemoryQuerySet:
    """Keep the memories that have all words of a text."""
    required = [f"({any_of(term.forms)})" for term in query_terms(text) if term.required]
    return memories.filter(HasWords(" & ".join(required))) if required else memories.none()


def find_by_keywords(
    memories: MemoryQuerySet, lexemes: Sequence[Lexeme], *, reader: Reader, limit: int
) -> list[uuid.UUID]:
    """Find the memories with the greatest lexical scores; of equal ones, the newest.

    Only the rarest lexemes find memories, and all of them score. A memory without the rarest ones
    scores at most the sum of the rest: while that could still reach the last place, more lexemes
    find. So the result is exact, and takes at most two queries.
    """
    lexeme_count = count_enough(lexemes)
    best = _find_best(memories, lexemes, lexeme_count, reader, limit)
    last_score = best[-1][1] if len(best) == limit else 0.0
    needed_count = _count_needed(last_score, lexemes)
    if needed_count > lexeme_count:
        best = _find_best(memories, lexemes, needed_count, reader, limit)
    return [pk for pk, *_ in best]


def count_enough(lexemes: Sequence[Lexeme]) -> int:
    """Count the rarest lexemes that together occur in enough memories to begin with.

    And more, while the others could make up for one of them, and are not too common.
    """
    memories, rest = 0, sum(lexeme.idf for lexeme in lexemes)
    for count, lexeme in enumerate(lexemes, start=1):
        memories += lexeme.document_frequency
        rest -= lexeme.idf
        following = lexemes[count].document_frequency if count < len(lexemes) else 0
        is_likely = rest < lexeme.idf or memories + following > MANY_MEMORIES
        if memories >= ENOUGH_MEMORIES and is_likely:
            return count
    return len(lexemes)


def are_best(
    scores: Sequence[float], lexemes: Sequence[Lexeme], lexeme_count: int, limit: int
) -> bool:
    """Whether those that the first lexemes find with these scores are certainly the best."""
    last_score = min(scores) if len(scores) >= limit else 0.0
    return _count_needed(last_score - ROUNDING, lexemes) <= lexeme_count


def _count_needed(score: float, lexemes: Sequence[Lexeme]) -> int:
    """Count the rarest lexemes of which a memory must have one to reach this score."""
    rest = 0.0
    for count in range(len(lexemes), 0, -1):
        rest += lexemes[count - 1].idf
        if rest >= score:
            return count
    return 0


def _find_best(
    memories: MemoryQuerySet,
    lexemes: Sequence[Lexeme],
    lexeme_count: int,
    reader: Reader,
    limit: int,
) -> list[tuple[uuid.UUID, float, datetime]]:
    """Score the memories that have any of the first `lexeme_count` lexemes by all of them."""
    if not lexeme_count:
        return []
    best = (
        memories.filter(HasWords(any_lexeme(lexemes[:lexeme_count])))
        .annotate(lexical=LexicalScore(lexemes))
        .order_by("-lexical", "-created_at", "pk")
    )
    columns = best.values_list("pk", "lexical", "created_at")
    rows, *others = reader.in_parts(lambda: list(columns[:limit]))
    for changed in others:
        rows = sorted([*rows, *changed], key=lambda row: row[0])
        rows.sort(key=lambda row: (row[1], row[2]), reverse=True)
    return rows[:limit]
