from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress

from accounts.models import User
from apps_registry.models import App
from configuration.providers import Embedder
from memories.models import EmbeddingSpace, Memory, UserIndex
from memories.models.memory import MemoryQuerySet

from .filters import Filters
from .fusing import NEARNESS_WEIGHT, WORDS_WEIGHT, Candidate, Ranked, rank
from .vectors import Question, cosine_to, nearest
from .words import Lexeme, Matches, best_by_words, lexemes_of

# How many memories come in question by meaning, and as many by words.
CANDIDATES = 100


@dataclass(frozen=True)
class Explanation:
    """How a hit was ranked: its score is the sum of the two parts, each times its weight.

    `vectors_by` is `index` where the user's own index brought the nearest, else `exact`. The
    words of other memories are not spoken of: an app may not be allowed to read those.
    """

    cosine: float | None
    similarity_part: float
    words_part: float
    matched_words: dict[str, float]
    words_score: float
    weights: dict[str, float]
    vectors_by: str


@dataclass(frozen=True)
class Hit:
    """A memory that was found.

    `score` ranks it among the hits of this question alone. `similarity` says how near its
    meaning is, on a scale that is the same for every question.
    """

    memory: Memory
    score: float
    similarity: float
    explanation: Explanation | None


def recall(
    query: str,
    *,
    user: User,
    app: App | None = None,
    top_k: int = 10,
    threshold: float | None = None,
    filters: Filters | None = None,
    explain: bool = False,
) -> list[Hit]:
    """Find the memories of a user that answer a query best, the best first.

    `app` reads, or the person where it is None. `threshold` leaves out hits of a lower
    `similarity`, whatever their words. With `explain` each hit says how it was ranked.
    """
    space = EmbeddingSpace.objects.current()
    vector = space.embedder.embed_query(query)
    index = UserIndex.objects.filter(user=user, space=space).defer("common_words").first()
    question = Question(vector, space, user, index)
    lexemes = lexemes_of(query, user=user, index=index)
    memories = (filters or Filters()).keep(_readable(user, app))

    near, vectors_by = nearest(memories, question, limit=CANDIDATES)
    fitting = best_by_words(memories, lexemes, limit=CANDIDATES)
    candidates = _candidates(memories.filter(pk__in={*near, *fitting}), question, lexemes)
    ranked = [(each, _similarity(each, space.embedder)) for each in rank(candidates)]
    best = [pair for pair in ranked if threshold is None or pair[1] >= threshold][:top_k]
    found = memories.with_relations().in_bulk([each.candidate.pk for each, _ in best])
    return [
        Hit(
            memory=found[each.candidate.pk],
            score=each.score,
            similarity=similarity,
            explanation=_explanation(each, vectors_by) if explain else None,
        )
        for each, similarity in best
        if each.candidate.pk in found  # else it was deleted a moment ago
    ]


def _readable(user: User, app: App | None) -> MemoryQuerySet:
    """What may be found at all. Every statement of a recall starts from here."""
    return Memory.objects.owned_by(user).active()


def _candidates(
    memories: MemoryQuerySet, question: Question, lexemes: Sequence[Lexeme]
) -> list[Candidate]:
    """Weigh these memories, by both measures whichever of the two brought them."""
    rows = memories.annotate(cosine=cosine_to(question), matches=Matches(lexemes)).values_list(
        "pk", "created_at", "cosine", "matches"
    )
    return [
        Candidate(pk, created_at, cosine, list(compress(lexemes, matches)))
        for pk, created_at, cosine, matches in rows
    ]


def _similarity(ranked: Ranked, embedder: Embedder) -> float:
    cosine = ranked.candidate.cosine
    return 0.0 if cosine is None else embedder.calibrate(cosine)


def _explanation(ranked: Ranked, vectors_by: str) -> Explanation:
    return Explanation(
        cosine=ranked.candidate.cosine,
        similarity_part=ranked.nearness,
        words_part=ranked.words,
        matched_words={lexeme.text: lexeme.weight for lexeme in ranked.candidate.matched},
        words_score=ranked.candidate.weight,
        weights={"similarity": NEARNESS_WEIGHT, "words": WORDS_WEIGHT},
        vectors_by=vectors_by,
    )
