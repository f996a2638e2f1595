from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from memories.models import Memory

from .absence import Missing
from .context import Context
from .explanation import Explanation


@dataclass(frozen=True)
class Hit:
    """A memory that a search found.

    `score` is the probability that it answers the query. `similarity` is how alike memory and query
    are in meaning. Both are on a scale that is the same for every query. `is_valid`: at the time of
    the search; hits that are not follow all others.
    """

    memory: Memory
    score: float
    similarity: float
    explanation: Explanation | None = None
    context: Context | None = None
    is_valid: bool = True

    @property
    def memories(self) -> list[Memory]:
        """The memory and those of its context."""
        return [self.memory, *(self.context or ())]


@dataclass(frozen=True)
class SearchResult:
    """The hits of a search, the best first.

    They were found `by_words_alone` where the query has no vector, as the provider that embeds it
    did not respond. No hit then has a `similarity`. `nothing_fits` where hits were left out, as it
    is unlikely that any of them answers. `missing` explains the memories that were asked about.
    """

    hits: Sequence[Hit]
    by_words_alone: bool
    nothing_fits: bool = False
    missing: Sequence[Missing] | None = None
