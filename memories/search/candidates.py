"""Find the candidates of a search, and load them with their cosine and their lexical score."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from core import sql
from memories.time_words import TIME_WORDS

from .lexemes import (
    Lexeme,
    any_lexeme,
    are_best,
    count_enough,
    find_by_keywords,
    lexical_score,
)
from .query import LATIN_BYTES, Query
from .searched import Searched
from .vectors import find_nearest

# How many candidates the vectors bring, how many the keywords, and how many a period. More where
# more hits are wanted.
CANDIDATES = 100

# How many of the nearest vectors are looked at first for each that is to be found: some may be of
# memories put aside.
COMPARED = 2

# A text of so many characters or fewer says little beside its words for times.
SHORT = 200.0

# The conversation of each memory, null for none; whether it ends as a question; the worth of its
# words for times where the query asks when; its cosine with the query, null where either has no
# vector in this space; whether it is of the period that the query names, and in Latin letters; the
# lexemes that it has, a bit for each; and whether it is valid. In SQL, as Django takes longer to
# build this query and read its rows than PostgreSQL takes to run it.
COLUMNS = """
    memory.id,
    extract(epoch FROM memory.created_at)::float8,
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
    {lexemes},
    (memory.valid_from IS NULL OR memory.valid_from <= %(at)s)
        AND (memory.valid_until IS NULL OR memory.valid_until > %(at)s)
"""
VECTOR_OF = """
LEFT JOIN memories_embedding AS embedding
    ON embedding.memory_id = memory.id AND embedding.space_id = %(space)s
"""
# The ids are named for both tables: of the past, PostgreSQL does not infer them for the second.
LOAD = """
SELECT {columns} FROM memories_memory AS memory {vector_of}
    AND embedding.memory_id = ANY(%(ids)s::uuid[])
WHERE memory.id = ANY(%(ids)s::uuid[])
"""
# A `tsquery` that is written out is parsed once, and not for each memory.
HAS_LEXEME = "(memory.words @@ %(lexeme{number})s::tsquery)::integer::bigint << {number}"

# The memories with the greatest lexical scores; of equal ones, the newest.
BY_KEYWORDS = """
    SELECT id FROM searched WHERE words @@ %(any_lexeme)s::tsquery
    ORDER BY {score} DESC, created_at DESC, id LIMIT %(limit)s
"""
# The vectors are compared before it is asked whose memories are searched, as nearly all are.
NEAREST = """
    SELECT searched.id FROM (
        SELECT embedding.memory_id, embedding.vector <=> %(vector)s::halfvec AS distance
        FROM memories_embedding AS embedding
        WHERE {of_user} embedding.space_id = %(space)s
        ORDER BY distance FETCH FIRST %(compared)s ROWS WITH TIES
    ) AS compared JOIN searched ON searched.id = compared.memory_id
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
FIND = """
WITH searched AS NOT MATERIALIZED ({searched}),
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
SELECT found.by_keywords, found.by_vectors, found.by_period, {columns}
FROM found JOIN memories_memory AS memory ON memory.id = found.id {vector_of}
"""


class Candidate(NamedTuple):
    """A memory that may be a hit, with its scores before they are fused."""

    pk: uuid.UUID
    created_at: float  # in seconds since 1970
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


class _Source(NamedTuple):
    """A candidate, and what found it."""

    candidate: Candidate
    by_keywords: bool
    by_vectors: bool
    by_period: bool


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
    if nearest is None and is_short and not _compares_all(searched, query, limit):
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
    compared = NEAREST_OF_ALL if _compares_all(searched, query, limit) else NEAREST
    # A reader of many users reads as one who is not stored.
    of_user = "embedding.user_id = %(user)s AND" if query.reader.user.is_stored else ""
    of_period = [OF_PERIOD.format(column=column) for column in ("created_at", "valid_from")]
    rows = sql.fetch_all(
        FIND.format(
            searched=statement,
            by_keywords=BY_KEYWORDS.format(score=score) if lexeme_count else NONE,
            nearest=compared.format(of_user=of_user) if nearest is None else GIVEN,
            of_period="({}) UNION ALL ({})".format(*of_period) if query.period else NONE,
            columns=columns(query),
            vector_of=VECTOR_OF,
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
    return [_Source(build_candidate(query, *row[3:]), *row[:3]) for row in rows]


def _compares_all(searched: Searched, query: Query, limit: int) -> bool:
    is_of_many = not query.reader.user.is_stored
    return is_of_many or searched.is_filtered or query.memories <= COMPARED * limit


def load_candidates(ids: Collection[uuid.UUID], query: Query) -> list[Candidate]:
    """Load these memories with both scores, whichever way each of them was found."""
    if not ids:
        return []
    rows = sql.fetch_all(
        LOAD.format(columns=columns(query), vector_of=VECTOR_OF),
        {**column_values(query), "ids": sql.uuid_array(ids)},
    )
    return [build_candidate(query, *row) for row in rows]


def columns(query: Query) -> str:
    """COLUMNS with the lexemes of a query."""
    bits = [HAS_LEXEME.format(number=number) for number in range(len(query.lexemes))]
    return COLUMNS.format(lexemes=" | ".join(f"({bit})" for bit in bits) or "0")


def column_values(query: Query) -> dict[str, Any]:
    """The values of the parameters in COLUMNS and VECTOR_OF."""
    return {
        "vector": query.vector_text,
        "space": query.space.pk,
        "start": query.period and query.period.start,
        "end": query.period and query.period.end,
        "latin_bytes": LATIN_BYTES,
        "at": query.at,
        "time_words": TIME_WORDS if query.asks_when else None,
        "short": SHORT,
        **{f"lexeme{number}": lexeme.tsquery for number, lexeme in enumerate(query.lexemes)},
    }


def build_candidate(
    query: Query,
    pk: uuid.UUID,
    created_at: float,
    actor: str,
    conversation: str | None,
    is_question: bool,
    time_words: float,
    cosine: float | None,
    is_of_period: bool | None,
    is_latin: bool,
    lexeme_bits: int,
    is_valid: bool,
) -> Candidate:
    similarity = 0.0
    if cosine is not None and (query.knows_all_scripts or (query.is_latin and is_latin)):
        similarity = query.space.embedder.calibrate(cosine)
    elif query.is_latin:
        cosine = None  # the model does not know the memory's script
    matched = [lexeme for number, lexeme in enumerate(query.lexemes) if lexeme_bits >> number & 1]
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
