"""The rows of candidates: what a search reads of each memory, for its score."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple

from memories.time_words import TIME_WORDS

from .lexemes import Lexeme
from .query import LATIN_BYTES, Query

# A text of so many characters or fewer says little beside its words for times.
SHORT = 200.0

# The conversation of each memory, null for none; whether it ends as a question; the worth of its
# words for times where the query asks when; its cosine with the query, null where either has no
# vector in this space; whether it is of the period that the query names, and in Latin letters; the
# lexemes that it has, a bit for each; whether it is valid; and the vectors of its tokens, where the
# query has some. In SQL, as Django takes longer to
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
        AND (memory.valid_until IS NULL OR memory.valid_until > %(at)s),
    {tokens}
"""
VECTOR_OF = """
LEFT JOIN memories_embedding AS embedding
    ON embedding.memory_id = memory.id AND embedding.space_id = %(space)s
"""
TOKENS_OF = "LEFT JOIN memories_tokenvectors AS tokens ON tokens.embedding_id = embedding.id"
# A `tsquery` that is written out is parsed once, and not for each memory.
HAS_LEXEME = "(memory.words @@ %(lexeme{number})s::tsquery)::integer::bigint << {number}"


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
    tokens: bytes | None = None


def columns(query: Query) -> str:
    """COLUMNS with the lexemes of a query."""
    bits = [HAS_LEXEME.format(number=number) for number in range(len(query.lexemes))]
    return COLUMNS.format(
        lexemes=" | ".join(f"({bit})" for bit in bits) or "0",
        tokens="tokens.vectors" if query.tokens else "NULL::bytea",
    )


def tokens_of(query: Query) -> str:
    return TOKENS_OF if query.tokens else ""


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
    tokens: bytes | None,
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
        tokens=tokens,
    )
