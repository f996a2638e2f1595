from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from .fusion import Lift, Ranked
from .weights import Weights


@dataclass(frozen=True)
class Explanation:
    """How a hit was ranked: its score is the sum of the four parts, each times its weight.

    `vectors_by` is `index` where the user's own index brought the nearest, `exact` where all were
    compared, and `none` where the question had no vector to compare with. The words of other
    memories are not spoken of: an app may not be allowed to read those.
    """

    cosine: float | None
    similarity_part: float
    words_part: float
    context_part: float
    speaker_part: float
    matched_words: dict[str, float]
    words_score: float
    nearby_words: Lift | None
    context: Lift | None
    speaker: str | None
    weights: dict[str, float]
    vectors_by: str


def explanation(ranked: Ranked, vectors_by: str) -> Explanation:
    return Explanation(
        cosine=ranked.candidate.cosine,
        similarity_part=ranked.nearness,
        words_part=ranked.words,
        context_part=ranked.context.worth if ranked.context else 0.0,
        speaker_part=ranked.speaker,
        matched_words={lexeme.text: lexeme.weight for lexeme in ranked.candidate.matched},
        words_score=ranked.candidate.weight,
        nearby_words=ranked.nearby_words,
        context=ranked.context,
        speaker=ranked.candidate.actor if ranked.speaker else None,
        weights=dataclasses.asdict(Weights.configured()),
        vectors_by=vectors_by,
    )
