"""The stages of a search, from a query to the hits that a caller is shown."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from itertools import chain, islice
from typing import Any

from memories.access.readable import load_active
from memories.access.reader import Reader

from .absence import Missing, Reason, explain_missing
from .candidate_rows import Candidate
from .candidates import CANDIDATES, find_candidates
from .context import load_contexts
from .explanation import Explanation, explain_rank
from .filters import Filters
from .fusion import Ranked
from .likelihood import Likelihood, estimate_likelihood
from .query import Query
from .rerank import rank_candidates
from .result import Hit, SearchResult
from .searched import Searched
from .stages import stage, timed_search


@dataclass(frozen=True)
class Cutoffs:
    """How many hits a search returns, and how good they have to be.

    `threshold` leaves out hits with a lower `similarity`, whatever their keywords. It has no effect
    on a search by keywords alone, and where the model does not know the script of the query it
    leaves out those without its words. `min_score` leaves out those with a lower `score`. Without
    it, none is returned where the fit of the query is below the floor: see likelihood.py.
    """

    top_k: int = 10
    threshold: float | None = None
    min_score: float | None = None


DEFAULT_CUTOFFS = Cutoffs()


def search(
    query: str,
    *,
    reader: Reader,
    asker: Reader | None = None,
    cutoffs: Cutoffs = DEFAULT_CUTOFFS,
    filters: Filters | None = None,
    at: datetime | None = None,
    explain: bool = False,
    missing: Sequence[uuid.UUID] = (),
    context: int = 0,
) -> SearchResult:
    """Find the best memories, add up to `context` neighbours on each side, and log the access.

    A caller that shows only a page of the hits calls `find_hits`, `add_context` and `log_hits`.
    """
    result = find_hits(
        query,
        reader=reader,
        asker=asker,
        cutoffs=cutoffs,
        filters=filters,
        at=at,
        explain=explain,
        missing=missing,
    )
    hits = add_context(result.hits, reader=reader, places=context)
    log_hits(hits, reader=reader)
    return replace(result, hits=hits)


@timed_search()
def find_hits(
    query: str,
    *,
    reader: Reader,
    asker: Reader | None = None,
    cutoffs: Cutoffs = DEFAULT_CUTOFFS,
    filters: Filters | None = None,
    at: datetime | None = None,
    explain: bool = False,
    missing: Sequence[uuid.UUID] = (),
) -> SearchResult:
    """Find the best hits among the active memories that the reader may read.

    What is valid `at` a time, by default now, comes first. With `explain` each hit has an
    explanation. The `missing` memories are explained to the asker, by default the reader.
    """
    filters = Filters() if filters is None else filters
    with stage("question"), reader.reading():
        parsed = Query.of(reader, query, at=at)
    if reader.past:
        _ = parsed.vector  # no transaction waits for a model
    with reader.reading():
        return _find_hits(
            parsed,
            reader=reader,
            asker=asker or reader,
            cutoffs=cutoffs,
            filters=filters,
            explain=explain,
            missing=missing,
        )


def _find_hits(
    parsed: Query,
    *,
    reader: Reader,
    asker: Reader,
    cutoffs: Cutoffs,
    filters: Filters,
    explain: bool,
    missing: Sequence[uuid.UUID],
) -> SearchResult:
    searched = Searched(reader, filters)
    limit = max(CANDIDATES, cutoffs.top_k)
    candidates, vectors_by = _find_candidates(searched, parsed, limit)
    with stage("ranking"):
        ranking = rank_candidates(candidates, parsed, searched=searched)
    if len(candidates) >= limit and not all(entry.candidate.is_valid for entry in ranking.entries):
        # They may have taken the places of others, which rank before them.
        valid, _ = _find_candidates(replace(searched, valid_at=parsed.at), parsed, limit)
        by_id = {candidate.pk: candidate for candidate in (*candidates, *valid)}
        with stage("ranking"):
            ranking = rank_candidates(list(by_id.values()), parsed, searched=searched)
    by_score = sorted(ranking.entries, key=lambda entry: entry.score, reverse=True)
    likelihood = estimate_likelihood(
        parsed, by_score, named_actors=ranking.named_actors, is_filtered=filters.narrow
    )
    selection = _Selection(parsed, ranking.entries, likelihood, cutoffs, vectors_by)
    kept = (entry for entry in ranking.entries if not selection.cut(entry))
    best = list(islice(kept, cutoffs.top_k))
    with stage("reading"):
        loaded = load_active([entry.candidate.pk for entry in best], reader)
    hits = [
        Hit(
            memory=loaded[entry.candidate.pk],
            score=likelihood.score(entry),
            similarity=entry.candidate.similarity,
            explanation=selection.explain(entry) if explain else None,
            is_valid=entry.candidate.is_valid,
        )
        for entry in best
        if entry.candidate.pk in loaded  # else it was deleted a moment ago
    ]
    return SearchResult(
        hits,
        by_words_alone=parsed.vector is None,
        nothing_fits=selection.nothing_fits,
        missing=selection.explain_missing(missing, found=loaded, searched=searched, asker=asker),
    )


@dataclass(frozen=True)
class _Selection:
    """Which of the ranked candidates are returned, and why not the others."""

    query: Query
    entries: Sequence[Ranked]
    likelihood: Likelihood
    cutoffs: Cutoffs
    vectors_by: str

    @cached_property
    def nothing_fits(self) -> bool:
        is_default = self.cutoffs.min_score is None
        return bool(self.entries) and is_default and self.likelihood.is_below_floor

    def cut(self, entry: Ranked) -> Reason | None:
        if self._is_below_threshold(entry.candidate):
            return Reason.BELOW_THRESHOLD
        if self.nothing_fits:
            return Reason.BELOW_FLOOR
        if self.likelihood.score(entry) < (self.cutoffs.min_score or 0):
            return Reason.BELOW_MIN_SCORE
        return None

    def _is_below_threshold(self, candidate: Candidate) -> bool:
        threshold = self.cutoffs.threshold
        if not threshold or self.query.vector is None:
            return False
        if self.query.is_understood:
            return candidate.similarity < threshold
        return not candidate.matched

    def explain(self, entry: Ranked) -> Explanation:
        return explain_rank(entry, self.likelihood, self.vectors_by)

    def explain_missing(
        self,
        ids: Sequence[uuid.UUID],
        *,
        found: Mapping[uuid.UUID, Any],
        searched: Searched,
        asker: Reader,
    ) -> list[Missing] | None:
        if not ids:
            return None
        wanted = set(ids)
        candidates = {
            entry.candidate.pk: Missing(
                entry.candidate.pk,
                Reason.FOUND
                if entry.candidate.pk in found
                else self.cut(entry) or Reason.BEYOND_TOP_K,
                place=place,
                score=self.likelihood.score(entry),
                similarity=entry.candidate.similarity,
                explanation=self.explain(entry),
            )
            for place, entry in enumerate(self.entries, start=1)
            if entry.candidate.pk in wanted
        }
        return explain_missing(
            ids,
            candidates=candidates,
            among=searched.memories,
            reader=searched.reader,
            asker=asker,
        )


def _find_candidates(searched: Searched, query: Query, limit: int) -> tuple[list[Candidate], str]:
    _ = query.vector  # which has a stage of its own
    with stage("candidates"):
        return find_candidates(searched, query, limit)


def add_context(hits: Sequence[Hit], *, reader: Reader, places: int) -> list[Hit]:
    """Add the context to each hit: none where `places` is 0."""
    if not places:
        return list(hits)
    with reader.reading():
        contexts = load_contexts([hit.memory for hit in hits], reader=reader, places=places)
    return [replace(hit, context=contexts[hit.memory.pk]) for hit in hits]


def log_hits(hits: Sequence[Hit], *, reader: Reader) -> None:
    """Log the hits that the reader is shown, and their contexts."""
    context = chain.from_iterable(hit.context or () for hit in hits)
    reader.log([hit.memory for hit in hits], "search", context=context)
