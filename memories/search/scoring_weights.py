from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings


@dataclass(frozen=True)
class ScoringWeights:
    """The weight of each part of a score: see the settings of these names."""

    similarity: float
    words: float
    nearby_words: float = 0.0
    context: float = 0.0
    per_place: float = 0.0
    speaker: float = 0.0
    all_words: float = 0.0
    time: float = 0.0

    @classmethod
    def configured(cls) -> ScoringWeights:
        return cls(
            similarity=settings.RECALL_SIMILARITY,
            words=settings.RECALL_WORDS,
            nearby_words=settings.RECALL_NEARBY_WORDS,
            context=settings.RECALL_CONTEXT,
            per_place=settings.RECALL_CONTEXT_PER_PLACE,
            speaker=settings.RECALL_SPEAKER,
            all_words=settings.RECALL_ALL_WORDS,
            time=settings.RECALL_TIME,
        )

    def without_boosts(self) -> ScoringWeights:
        """The same weights of what a memory says itself, and 0 for all else."""
        return ScoringWeights(self.similarity, self.words)

    @property
    def use_neighbours(self) -> bool:
        """Whether neighbours count, and so have to be loaded."""
        return bool(self.nearby_words or (self.context and self.per_place))
