"""The stages of a search, from a query to the hits that a caller is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

from memories.access.reader import Reader

from .context import load_contexts
from .explanation import explain_rank
from .filters import Filters
from .lexemes import find_by_keywords
from .query import Query
from .rerank import rank_candidates
from .result import Hit, SearchResult
from .stages import stage, timed_search
from .vectors import find_nearest

# How many candidates the vectors bring, and how many the keywords.
CANDIDATES = 100


def search(
    query: str,
    *,
    reader: Reader,
    top_k: int = 10,
    threshold: float | None = None,
    filters: Filters | None = None,
    explain: bool = False,
    context: int = 0,
) -> SearchResult:
    """Find the best memories, add up to `context` neighbours on each side, and log the access.

    A caller that shows only a page of the hits calls `find_hits`, `add_context` and `log_hits`.
    """
    result = find_hits(
        query, reader=reader, top_k=top_k, threshold=threshold, filters=filters, explain=explain
    )
    hits = add_context(result.hits, reader=reader, places=context)
    log_hits(hits, reader=reader)
    return replace(result, hits=hits)


@timed_search()
def find_hits(
    query: str,
    *,
    reader: Reader,
    top_k: int = 10,
    threshold: float | None = None,
    filters: Filters | None = None,
    explain: bool = False,
) -> SearchResult:
    """Find the best hits among the active memories that the reader may read.

    `threshold` leaves out hits with a lower `similarity`, whatever their keywords. It has no effect
    on a search by keywords alone, and where the model does not know the script of the query it
    leaves out those without its words. With `explain` each hit has an explanation.
    """
    memories = (filters or Filters()).apply(reader.memories().active())
    with stage("question"):
        parsed = Query.of(reader, query)
    with stage("words"):
        by_keywords = find_by_keywords(memories, parsed.lexemes, limit=CANDIDATES)
    with stage("vectors"):
        nearest, vectors_by = find_nearest(memories, parsed, limit=CANDIDATES)
    with stage("ranking"):
        ranked = rank_candidates({*nearest, *by_keywords}, parsed, among=memories)
    least = (threshold or 0.0) if parsed.vector else 0.0
    if least and not parsed.is_understood:
        ranked = [entry for entry in ranked if entry.candidate.matched]
    else:
        ranked = [entry for entry in ranked if entry.candidate.similarity >= least]
    best = ranked[:top_k]
    with stage("reading"):
        loaded = memories.with_relations().in_bulk([entry.candidate.pk for entry in best])
    hits = [
        Hit(
            memory=loaded[entry.candidate.pk],
            score=entry.score,
            similarity=entry.candidate.similarity,
            explanation=explain_rank(entry, vectors_by) if explain else None,
        )
        for entry in best
        if entry.candidate.pk in loaded  # else it was deleted a moment ago
    ]
    return SearchResult(hits, by_words_alone=parsed.vector is None)


def add_context(hits: Sequence[Hit], *, reader: Reader, places: int) -> list[Hit]:
    """Add the context to each hit: none where `places` is 0."""
    if not places:
        return list(hits)
    contexts = load_contexts([hit.memory for hit in hits], reader=reader, places=places)
    return [replace(hit, context=contexts[hit.memory.pk]) for hit in hits]


def log_hits(hits: Sequence[Hit], *, reader: Reader) -> None:
    """Log the hits that the reader is shown, and their contexts."""
    context = chain.from_iterable(hit.context or () for hit in hits)
    reader.log([hit.memory for hit in hits], "search", context=context)
