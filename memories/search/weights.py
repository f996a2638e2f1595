from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings


@dataclass(frozen=True)
class Weights:
    """What each part of a ranking counts for: see the settings of these names."""

    similarity: float
    words: float
    nearby_words: float = 0.0
    context: float = 0.0
    per_place: float = 0.0
    speaker: float = 0.0

    @classmethod
    def configured(cls) -> Weights:
        return cls(
            similarity=settings.RECALL_SIMILARITY,
            words=settings.RECALL_WORDS,
            nearby_words=settings.RECALL_NEARBY_WORDS,
            context=settings.RECALL_CONTEXT,
            per_place=settings.RECALL_CONTEXT_PER_PLACE,
            speaker=settings.RECALL_SPEAKER,
        )

    def alone(self) -> Weights:
        """The same where nothing counts but a memory itself."""
        return Weights(self.similarity, self.words)

    @property
    def look_around(self) -> bool:
        """Whether what stands around a memory counts at all, and so has to be read."""
        return bool(self.nearby_words or (self.context and self.per_place))
