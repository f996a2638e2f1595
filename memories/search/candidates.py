"""Find the candidates of a search, and load them with their cosine and their lexical score."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from typing import NamedTuple

from core import sql

from .candidate_rows import (
    VECTOR_OF,
    Candidate,
    build_candidate,
    column_values,
    columns,
    tokens_of,
)
from .lexemes import (
    any_lexeme,
    are_best,
    count_enough,
    find_by_keywords,
    lexical_score,
)
from .query import Query
from .searched import Searched
from .vectors import find_nearest

# How many candidates the vectors bring, how many the keywords, and how many a period. More where
# more hits are wanted.
CANDIDATES = 100

# How many of the nearest vectors are looked at first for each that is to be found: some may be of
# memories put aside.
COMPARED = 2

# The ids are named for both tables: of the past, PostgreSQL does not infer them for the second.
LOAD = """
SELECT {columns} FROM memories_memory AS memory {vector_of}
    AND embedding.memory_id = ANY(%(ids)s::uuid[]) {tokens_of}
WHERE memory.id = ANY(%(ids)s::uuid[])
"""
# The memories with the greatest lexical scores; of equal ones, the newest.
BY_KEYWORDS = """
    SELECT id FROM searched WHERE words @@ %(any_lexeme)s::tsquery
    ORDER BY {score} DESC, created_at DESC, id LIMIT %(limit)s
"""
# The vectors are compared before it is asked whose memories are searched, as nearly all are. With
# LIMIT, PostgreSQL sorts no more than these; with ties, it would sort all.
COMPARE = """
    SELECT embedding.memory_id, embedding.vector <=> %(vector)s::halfvec
    FROM memories_embedding AS embedding
    WHERE {of_user} embedding.space_id = %(space)s
    ORDER BY 2 LIMIT %(compared)s
"""
NEAREST = """
    SELECT searched.id FROM compared JOIN searched ON searched.id = compared.memory_id
    ORDER BY compared.distance, searched.created_at DESC, searched.id LIMIT %(limit)s
"""
NEAREST_OF_ALL = """
    SELECT searched.id
    FROM searched JOIN memories_embedding AS embedding ON embedding.memory_id = searched.id
    WHERE {of_user} embedding.space_id = %(space)s
    ORDER BY embedding.vector <=> %(vector)s::halfvec, searched.created_at DESC, searched.id
    LIMIT %(limit)s
"""
# The newest of a period: by when they were said, and since when they are valid. Each has its index.
OF_PERIOD = """
    SELECT id FROM searched WHERE {column} >= %(start)s AND {column} < %(end)s
    ORDER BY {column} DESC, id LIMIT %(limit)s
"""
GIVEN = "SELECT unnest(%(ids)s::uuid[])"
NONE = "SELECT NULL::uuid WHERE false"
NONE_COMPARED = "SELECT NULL::uuid, NULL::float8 WHERE false"
# With each, whether it is as far as the last one compared: others that are as near may be left out.
FIND = """
WITH searched AS NOT MATERIALIZED ({searched}),
compared (memory_id, distance) AS MATERIALIZED ({compare}),
by_keywords (id) AS MATERIALIZED ({by_keywords}),
nearest (id) AS MATERIALIZED ({nearest}),
of_period (id) AS MATERIALIZED ({of_period}),
found AS MATERIALIZED (
    SELECT id, bool_or(source = 1) AS by_keywords, bool_or(source = 2) AS by_vectors,
        bool_or(source = 3) AS by_period
    FROM (
        SELECT id, 1 FROM by_keywords UNION ALL SELECT id, 2 FROM nearest
        UNION ALL SELECT id, 3 FROM of_period
    ) AS found (id, source)
    GROUP BY id
)
SELECT found.by_keywords, found.by_vectors, found.by_period,
    found.by_vectors
        AND embedding.vector <=> %(vector)s::halfvec >= (SELECT max(distance) FROM compared),
    {columns}
FROM found JOIN memories_memory AS memory ON memory.id = found.id {vector_of} {tokens_of}
"""


class _Source(NamedTuple):
    """A candidate, and what found it."""

    candidate: Candidate
    by_keywords: bool
    by_vectors: bool
    by_period: bool
    is_last_compared: bool | None


def find_candidates(
    searched: Searched, query: Query, limit: int = CANDIDATES
) -> tuple[list[Candidate], str]:
    """Find candidates by keywords, vectors and period, and say how the nearest were found.

    In one statement, but where the user has an index, or where it is not certain that those of the
    first look are the best, nor of the past, which is read in parts.
    """
    past = searched.reader.past
    if past is not None and past.differs:
        return _find_of_past(searched, query, limit)
    nearest, vectors_by = None, "exact"
    if query.has_index or query.vector is None:
        nearest, vectors_by = find_nearest(searched.memories, query, limit=limit)
    lexeme_count = count_enough(query.lexemes)
    found = _find(searched, query, lexeme_count, nearest, limit)
    by_keywords = [entry.candidate for entry in found if entry.by_keywords]
    best = None
    if not are_best([it.lexical for it in by_keywords], query.lexemes, lexeme_count, limit):
        best = find_by_keywords(
            searched.memories, query.lexemes, reader=searched.reader, limit=limit
        )
    is_short = sum(entry.by_vectors for entry in found) < limit
    is_unclear = is_short or any(entry.is_last_compared for entry in found)
    if nearest is None and is_unclear and not _compares_all(searched, query, limit):
        nearest, _ = find_nearest(searched.memories, query, limit=limit)
    return _merge(found, query, best=best, nearest=nearest), vectors_by


def _find_of_past(searched: Searched, query: Query, limit: int) -> tuple[list[Candidate], str]:
    memories, reader = searched.memories, searched.reader
    nearest, vectors_by = find_nearest(memories, query, limit=limit)
    found = {*nearest, *find_by_keywords(memories, query.lexemes, reader=reader, limit=limit)}
    if query.period:
        for column in ("created_at", "valid_from"):
            within = {f"{column}__gte": query.period.start, f"{column}__lt": query.period.end}
            newest = memories.filter(**within).order_by(f"-{column}", "pk")
            found |= set(newest.values_list("pk", flat=True)[:limit])
    return load_candidates(found, query), vectors_by


def _merge(
    found: Sequence[_Source],
    query: Query,
    *,
    best: Collection[uuid.UUID] | None,
    nearest: Collection[uuid.UUID] | None,
) -> list[Candidate]:
    """Those of the first look, but for what a second one has found instead."""
    kept = [
        entry.candidate
        for entry in found
        if entry.by_period
        or (entry.by_keywords if best is None else entry.candidate.pk in best)
        or (entry.by_vectors if nearest is None else entry.candidate.pk in nearest)
    ]
    others = {*(best or ()), *(nearest or ())} - {candidate.pk for candidate in kept}
    return [*kept, *load_candidates(others, query)]


def _find(
    searched: Searched,
    query: Query,
    lexeme_count: int,
    nearest: Collection[uuid.UUID] | None,
    limit: int,
) -> list[_Source]:
    statement, parameters = sql.name_parameters(*searched.selected)
    score, weights = lexical_score(query.lexemes)
    compares = nearest is None and not _compares_all(searched, query, limit)
    by_vectors = NEAREST if compares else NEAREST_OF_ALL if nearest is None else GIVEN
    # A reader of many users reads as one who is not stored.
    of_user = "embedding.user_id = %(user)s AND" if query.reader.user.is_stored else ""
    of_period = [OF_PERIOD.format(column=column) for column in ("created_at", "valid_from")]
    rows = sql.fetch_binary(
        FIND.format(
            searched=statement,
            by_keywords=BY_KEYWORDS.format(score=score) if lexeme_count else NONE,
            compare=COMPARE.format(of_user=of_user) if compares else NONE_COMPARED,
            nearest=by_vectors.format(of_user=of_user),
            of_period="({}) UNION ALL ({})".format(*of_period) if query.period else NONE,
            columns=columns(query),
            vector_of=VECTOR_OF,
            tokens_of=tokens_of(query),
        ),
        {
            **parameters,
            **weights,
            **column_values(query),
            "any_lexeme": any_lexeme(query.lexemes[:lexeme_count]),
            "user": query.reader.user.pk,
            "limit": limit,
            "compared": COMPARED * limit,
            "ids": sql.uuid_array(nearest or ()),
        },
    )
    return [_Source(build_candidate(query, *row[4:]), *row[:4]) for row in rows]


def _compares_all(searched: Searched, query: Query, limit: int) -> bool:
    is_of_many = not query.reader.user.is_stored
    return is_of_many or searched.is_filtered or query.memories <= COMPARED * limit


def load_candidates(ids: Collection[uuid.UUID], query: Query) -> list[Candidate]:
    """Load these memories with both scores, whichever way each of them was found."""
    if not ids:
        return []
    rows = sql.fetch_binary(
        LOAD.format(columns=columns(query), vector_of=VECTOR_OF, tokens_of=tokens_of(query)),
        {**column_values(query), "ids": sql.uuid_array(ids)},
    )
    return [build_candidate(query, *row) for row in rows]
