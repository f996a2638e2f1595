"""Compare the tokens of a query with those of memories: see docs/decisions/0052-token-vectors.md.

Each token of the query finds the nearest one of a memory. A memory matches by the mean of their
cosines, in which rare words count for more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from configuration.providers import Vectors
from configuration.providers.token_vectors import TOKEN_DIMENSIONS, unpack_tokens
from memories.words import query_terms

from .candidate_rows import Candidate
from .query import Query


def match_tokens(candidates: Sequence[Candidate], *, query: Query) -> NDArray[np.float64]:
    """How well each candidate matches, from -1 to 1; NaN for those without tokens."""
    tokens = query.tokens
    weights = weigh_words(tokens.words, query.idf_by_term) if tokens else np.zeros(0)
    if tokens is None or not weights.any():
        return np.full(len(candidates), np.nan)
    packed = [candidate.tokens for candidate in candidates]
    return compare_tokens(packed, tokens.vectors, weights)


def weigh_words(words: Sequence[str], idf_of: Mapping[str, float]) -> NDArray[np.float64]:
    """The idf of the word that each token of the query is a part of, 0 for stop words."""
    weight_of = {
        word: max((idf_of.get(term.text, 0.0) for term in query_terms(word)), default=0.0)
        for word in set(words)
    }
    return np.array([weight_of[word] for word in words])


def compare_tokens(
    packed: Sequence[bytes | None], query: Vectors, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The matches of memories with these packed tokens; NaN for those with none."""
    matches = np.full(len(packed), np.nan)
    found = [(number, tokens) for number, tokens in enumerate(packed) if tokens]
    if found and weights.any():
        cosines = unpack_tokens(b"".join(tokens for _, tokens in found)) @ query.T
        lengths = [len(tokens) // TOKEN_DIMENSIONS for _, tokens in found]
        nearest = np.maximum.reduceat(cosines, np.cumsum([0, *lengths[:-1]]), axis=0)
        matches[[number for number, _ in found]] = nearest @ weights / weights.sum()
    return matches
