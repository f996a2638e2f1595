"""The ranking of a search in plain numpy, over the server's own embedder, stemmer and names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from recall_sets import Conversation

CANDIDATES = 100
LIFTING = 15
WITHIN = 3
WORDS_WITHIN = 2
CLOSE_SECONDS = 30 * 60


@dataclass(frozen=True)
class Weights:
    """Named as the settings are."""

    similarity: float = 0.6
    words: float = 0.4
    nearby_words: float = 0.4
    context: float = 0.25
    context_per_place: float = 0.8
    speaker: float = 0.15


class Formula:
    """Ranks the memories of one user for the questions about them."""

    def __init__(self, conversation: Conversation) -> None:
        from memories.search.speakers import find_named

        self.turns = conversation.turns
        asked = [question.text for question in conversation.questions]
        dated = [f"{each.content} ({each.moment.day} {each.moment:%B %Y})" for each in self.turns]
        actors = [turn.actor for turn in self.turns]
        named = [find_named(question, set(actors)) for question in asked]
        places = range(-WITHIN, WITHIN + 1)
        self._cosines = embed_all([turn.content for turn in self.turns]) @ embed_questions(asked).T
        in_memories = lexemes(dated)
        self._words = [weigh(in_memories, each) for each in lexemes(asked)]
        self._named = [np.array([actor in names for actor in actors], float) for names in named]
        # Of each turn, those around it in its conversation, with how many places away.
        self._beside = [
            [(at + place, abs(place)) for place in places if self._is_beside(at, at + place)]
            for at in range(len(self.turns))
        ]
        # In this order they stay where they are equal.
        self._newest = sorted(range(len(self.turns)), key=lambda at: self.turns[at].moment)[::-1]

    def best(self, number: int, weights: Weights, *, at: int) -> list[str]:
        """The ids of the best memories for a question."""
        asked = _Asked(
            self._cosines[:, number], self._words[number], self._named[number], self._newest
        )
        return [self.turns[place].id for place in asked.ranked(self._beside, weights)[:at]]

    def _is_beside(self, at: int, other: int) -> bool:
        if at == other or not 0 <= other < len(self.turns):
            return False
        one, two = self.turns[at], self.turns[other]
        close = abs((one.moment - two.moment).total_seconds()) <= CLOSE_SECONDS
        return bool(one.actor and two.actor) and close


@dataclass(frozen=True)
class _Asked:
    cosines: Any
    words: Any
    named: Any
    newest: Sequence[int]

    def ranked(self, beside: Sequence[Sequence[tuple[int, int]]], weights: Weights) -> list[int]:
        candidates = self._candidates()
        alone = self._alone(candidates, self.words, weights)
        lifting = self._sorted(candidates, alone)[:LIFTING]
        if not (weights.nearby_words or weights.context):
            lifting = []
        lifts = [(by, at, places) for by in lifting for at, places in beside[by]]
        everyone = sorted({*candidates, *(at for _, at, _ in lifts)})
        nearby = self._lifted(
            (at, self.words[by]) for by, at, places in lifts if places <= WORDS_WITHIN
        )
        words = self.words + weights.nearby_words * nearby
        alone = self._alone(everyone, words, weights)
        context = self._lifted(
            (at, alone[by] * weights.context_per_place**places) for by, at, places in lifts
        )
        named = self.named * (not self.named[everyone].all())
        scores = alone + weights.context * context + weights.speaker * named
        return self._sorted(everyone, scores)

    def _candidates(self) -> list[int]:
        near = self._sorted(self.newest, self.cosines)[:CANDIDATES]
        wordy = self._sorted(self.newest, self.words)[:CANDIDATES]
        return sorted({*near, *(at for at in wordy if self.words[at])})

    def _alone(self, candidates: Sequence[int], words: Any, weights: Weights) -> Any:
        near = self.cosines[list(candidates)]
        span = near.max() - near.min()
        nearness = (self.cosines - near.min()) / span if span else np.ones_like(self.cosines)
        most = words[list(candidates)].max() or 1
        return weights.similarity * nearness + weights.words * words / most

    def _lifted(self, lifts: Any) -> Any:
        best = np.zeros(len(self.cosines))
        for at, worth in lifts:
            best[at] = max(best[at], worth)
        return best

    def _sorted(self, among: Sequence[int], scores: Any) -> list[int]:
        """The best first; of equal ones, the newest."""
        wanted = set(among)
        stood = [at for at in self.newest if at in wanted]
        return sorted(stood, key=lambda at: scores[at], reverse=True)


def weigh(words: list[set[str]], asked: set[str]) -> Any:
    df = Counter(lexeme for each in words for lexeme in each & asked)
    total = len(words)
    weight = {
        lexeme: np.log(1 + (total - count + 0.5) / (count + 0.5)) for lexeme, count in df.items()
    }
    return np.array([sum(weight[lexeme] for lexeme in each & asked) for each in words], float)


def embed_all(texts: Sequence[str]) -> Any:
    # One by one, as the server does: this model's vectors depend a little on their company.
    return _in_two_threads(lambda text: embedder().embed_documents([text])[0], texts)


def embed_questions(texts: Sequence[str]) -> Any:
    return _in_two_threads(embedder().embed_query, texts)


def _in_two_threads(embed: Callable[[str], Any], texts: Sequence[str]) -> Any:
    with ThreadPoolExecutor(2) as pool:
        return np.stack(list(pool.map(embed, texts)))


@cache
def embedder() -> Any:
    from memories.models import EmbeddingSpace

    return EmbeddingSpace.objects.current().embedder


def lexemes(texts: Sequence[str]) -> list[set[str]]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tsvector_to_array(to_tsvector('english', text))"
            " FROM unnest(%s::text[]) WITH ORDINALITY AS asked (text, place) ORDER BY place",
            [list(texts)],
        )
        return [set(found) for (found,) in cursor.fetchall()]
