from __future__ import annotations

from dataclasses import dataclass

from accounts.models import User
from apps_registry.models import App
from memories.models import Memory

from .explanation import Explanation, explanation
from .filters import Filters
from .query import Question
from .rerank import ranking
from .scope import readable
from .stages import stage, whole
from .vectors import nearest
from .words import best_by_words

# How many memories come in question by meaning, and as many by words.
CANDIDATES = 100


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


class Hits(list[Hit]):
    """The hits of one question, the best first.

    They are `by_words_alone` where its meaning could not be had, as its model is somebody else's
    and did not answer. No hit then has a `similarity`.
    """

    by_words_alone = False


@whole()
def recall(
    query: str,
    *,
    user: User,
    app: App | None = None,
    top_k: int = 10,
    threshold: float | None = None,
    filters: Filters | None = None,
    explain: bool = False,
) -> Hits:
    """Find the memories of a user that answer a query best.

    `app` reads, or the person where it is None. `threshold` leaves out hits of a lower
    `similarity`, whatever their words; found by words alone, none has one, and none is left out.
    With `explain` each hit says how it was ranked.
    """
    memories = (filters or Filters()).keep(readable(user, app))
    with stage("question"):
        question = Question.of(user, query)
    with stage("words"):
        fitting = best_by_words(memories, question.lexemes, limit=CANDIDATES)
    with stage("vectors"):
        near, vectors_by = nearest(memories, question, limit=CANDIDATES)
    with stage("ranking"):
        ranked = ranking({*near, *fitting}, question, among=memories)
    least = (threshold or 0.0) if question.vector else 0.0
    best = [each for each in ranked if each.candidate.similarity >= least][:top_k]
    with stage("reading"):
        found = memories.with_relations().in_bulk([each.candidate.pk for each in best])
    hits = Hits(
        Hit(
            memory=found[each.candidate.pk],
            score=each.score,
            similarity=each.candidate.similarity,
            explanation=explanation(each, vectors_by) if explain else None,
        )
        for each in best
        if each.candidate.pk in found  # else it was deleted a moment ago
    )
    hits.by_words_alone = question.vector is None
    return hits
