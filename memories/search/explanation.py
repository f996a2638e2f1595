from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from .fusion import Boost, Ranked
from .likelihood import Likelihood


@dataclass(frozen=True)
class Explanation:
    """How a hit was ranked and scored.

    Its `rank_score` is the sum of the parts, each times its weight. Its score is `fit`, the
    probability that anything here answers the query, times `share`, that it is this hit. The
    `fit_parts` are what the fit was estimated from: the best of each among the hits.

    `vectors_by` is `index` where the user's own index found the nearest vectors, `exact` where all
    were compared, and `none` where the query had no vector. The keywords of neighbours are left
    out: an app may not be allowed to read those memories.
    """

    cosine: float | None
    similarity_part: float
    words_part: float
    nearby_words_part: float
    context_part: float
    answers_part: float
    speaker_part: float
    when_part: float
    all_words_part: float
    time_part: float
    tokens_part: float
    matched_words: dict[str, float]
    words_score: float
    nearby_words: Boost | None
    speaker: str | None
    weights: dict[str, float]
    vectors_by: str
    rank_score: float
    fit: float
    fit_parts: dict[str, float]
    floor: float
    share: float


def explain_rank(ranked: Ranked, likelihood: Likelihood, vectors_by: str) -> Explanation:
    return Explanation(
        cosine=ranked.candidate.cosine,
        **{f"{name}_part": value for name, value in ranked.parts._asdict().items()},
        matched_words={lexeme.text: lexeme.idf for lexeme in ranked.candidate.matched},
        words_score=ranked.candidate.lexical,
        nearby_words=ranked.nearby_words,
        speaker=ranked.candidate.actor if ranked.parts.speaker else None,
        weights=dataclasses.asdict(ranked.weights),
        vectors_by=vectors_by,
        rank_score=ranked.score,
        fit=likelihood.fit,
        fit_parts=dict(likelihood.parts),
        floor=likelihood.floor,
        share=likelihood.share(ranked),
    )
