from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

Column = NDArray[np.float64]

# What is left of these weights where the vectors of tokens are compared.
SIMILARITY_BESIDE_TOKENS = 1 / 5
WORDS_BESIDE_TOKENS = 1 / 2


@dataclass(frozen=True)
class ScoringWeights:
    """The weight of each part of a score: see the settings of these names."""

    similarity: float
    words: float
    nearby_words: float = 0.0
    context: float = 0.0
    answers: float = 0.0
    speaker: float = 0.0
    when: float = 0.0
    all_words: float = 0.0
    time: float = 0.0
    tokens: float = 0.0

    @classmethod
    def configured(cls) -> ScoringWeights:
        return cls(
            **{
                field.name: getattr(settings, f"RECALL_{field.name.upper()}")
                for field in fields(cls)
            }
        )

    def beside_tokens(self) -> ScoringWeights:
        """The weights where tokens are compared: they say most of what these two say, and more."""
        return replace(
            self,
            similarity=self.similarity * SIMILARITY_BESIDE_TOKENS,
            words=self.words * WORDS_BESIDE_TOKENS,
        )

    @property
    def use_neighbours(self) -> bool:
        """Whether neighbours count, and so have to be loaded."""
        return bool(self.nearby_words or self.context or self.answers)

    def own_score(self, similarity: Column, words: Column) -> Column:
        """What a memory's own meaning and words are worth, 0 to 1."""
        total = self.similarity + self.words
        return (self.similarity * similarity + self.words * words) / (total or 1.0)

    def add_up(self, columns: Mapping[str, Column]) -> Column:
        """The score of each candidate. Elementwise: equal ones score equally to the last bit."""
        score = np.zeros(len(columns["words"]))
        for name, column in columns.items():
            score += getattr(self, name) * column
        return score
