"""The score that Mem0's API shows of a hit, and cuts by its threshold."""

from __future__ import annotations

from collections.abc import Sequence

from memories.search import Hit

ScoredHit = tuple[Hit, float]


def score_hits(hits: Sequence[Hit], *, threshold: float | None) -> list[ScoredHit]:
    """Score hits, the best first, and leave out those below the threshold.

    Clients cut at similarities, by default at 0.1, and some at 0.3. Our score is a probability, so
    that a right answer that does not repeat the words of the question is often below. The higher of
    the two is shown, and of a hit no less than of those that are ranked behind it. What is not
    valid now follows all others, with no more than their scores.
    """
    scored = _score([hit for hit in hits if hit.is_valid])
    most = scored[-1][1] if scored else 1.0
    outdated = _score([hit for hit in hits if not hit.is_valid])
    scored += [(hit, min(score, most)) for hit, score in outdated]
    return [(hit, score) for hit, score in scored if score >= (threshold or 0)]


def _score(hits: Sequence[Hit]) -> list[ScoredHit]:
    scored: list[ScoredHit] = []
    least = 0.0
    for hit in sorted(hits, key=lambda hit: hit.score):
        least = min(max(least, hit.score, hit.similarity), 1.0)
        scored.append((hit, round(least, 6)))
    return scored[::-1]
