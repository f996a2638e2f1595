"""The ranking of a search in plain numpy, with the server's embedder, words and speakers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from recall_sets import Conversation, Turn

CANDIDATES = 100
BOOSTERS = 15
BOOST_PLACES = 3
LEXICAL_PLACES = 2
CONVERSATION_SECONDS = 30 * 60

# Of each turn, the indexes of its neighbours, and how many places away each is.
Neighbours = Sequence[Sequence[tuple[int, int]]]


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
        questions = [question.text for question in conversation.questions]
        contents = [turn.content for turn in self.turns]
        actors = [turn.actor for turn in self.turns]
        names_by_question = [find_named(question, set(actors)) for question in questions]
        self._cosines = embed_documents(contents) @ embed_queries(questions).T
        turn_lexemes = [lexemes_of(turn) for turn in self.turns]
        self._lexical = [lexical_scores(turn_lexemes, terms_of(query)) for query in questions]
        self._speaker_matches = [
            np.array([actor in names for actor in actors], float) for names in names_by_question
        ]
        places = range(-BOOST_PLACES, BOOST_PLACES + 1)
        self._neighbours = [
            [
                (index + place, abs(place))
                for place in places
                if self._are_neighbours(index, index + place)
            ]
            for index in range(len(self.turns))
        ]
        # Turns of equal score stay in this order.
        self._newest = sorted(range(len(self.turns)), key=lambda i: self.turns[i].moment)[::-1]

    def rank(self, number: int, weights: Weights, *, limit: int) -> list[str]:
        """The ids of the best memories for the question of this number."""
        scores = _Scores(
            self._cosines[:, number],
            self._lexical[number],
            self._speaker_matches[number],
            self._newest,
        )
        return [self.turns[index].id for index in scores.rank(self._neighbours, weights)[:limit]]

    def _are_neighbours(self, index: int, other: int) -> bool:
        if index == other or not 0 <= other < len(self.turns):
            return False
        a, b = self.turns[index], self.turns[other]
        seconds = abs((a.moment - b.moment).total_seconds())
        return bool(a.actor and b.actor) and seconds <= CONVERSATION_SECONDS


@dataclass(frozen=True)
class _Scores:
    """The scores of all memories for one question."""

    cosines: Any
    lexical: Any
    speaker_matches: Any
    newest: Sequence[int]

    def rank(self, neighbours: Neighbours, weights: Weights) -> list[int]:
        candidates = self._candidates()
        base_scores = self._base_scores(candidates, self.lexical, weights)
        boosters = self._sorted(candidates, base_scores)[:BOOSTERS]
        if not (weights.nearby_words or weights.context):
            boosters = []
        boosts = [
            (booster, index, places)
            for booster in boosters
            for index, places in neighbours[booster]
        ]
        candidates = sorted({*candidates, *(index for _, index, _ in boosts)})
        lexical_boosts = self._greatest(
            (index, self.lexical[booster])
            for booster, index, places in boosts
            if places <= LEXICAL_PLACES
        )
        lexical = self.lexical + weights.nearby_words * lexical_boosts
        base_scores = self._base_scores(candidates, lexical, weights)
        context_boosts = self._greatest(
            (index, base_scores[booster] * weights.context_per_place**places)
            for booster, index, places in boosts
        )
        speaker_matches = self.speaker_matches * (not self.speaker_matches[candidates].all())
        scores = base_scores + weights.context * context_boosts + weights.speaker * speaker_matches
        return self._sorted(candidates, scores)

    def _candidates(self) -> list[int]:
        by_vectors = self._sorted(self.newest, self.cosines)[:CANDIDATES]
        by_keywords = self._sorted(self.newest, self.lexical)[:CANDIDATES]
        return sorted({*by_vectors, *(index for index in by_keywords if self.lexical[index])})

    def _base_scores(self, candidates: Sequence[int], lexical: Any, weights: Weights) -> Any:
        cosines = self.cosines[list(candidates)]
        span = cosines.max() - cosines.min()
        similarity = (self.cosines - cosines.min()) / span if span else np.ones_like(self.cosines)
        greatest = lexical[list(candidates)].max() or 1
        return weights.similarity * similarity + weights.words * lexical / greatest

    def _greatest(self, boosts: Iterable[tuple[int, float]]) -> Any:
        greatest = np.zeros(len(self.cosines))
        for index, value in boosts:
            greatest[index] = max(greatest[index], value)
        return greatest

    def _sorted(self, among: Sequence[int], scores: Any) -> list[int]:
        """The best first; of equal ones, the newest."""
        members = set(among)
        newest = [index for index in self.newest if index in members]
        return sorted(newest, key=lambda index: scores[index], reverse=True)


def lexical_scores(turns: list[set[str]], query: Sequence[Collection[str]]) -> Any:
    """The sum of the idf of the terms that each turn has, in any of their forms."""
    scores = np.zeros(len(turns))
    for forms in query:
        matches = np.array([not turn.isdisjoint(forms) for turn in turns])
        if df := matches.sum():
            scores += matches * np.log(1 + (len(turns) - df + 0.5) / (df + 0.5))
    return scores


def embed_documents(texts: Sequence[str]) -> Any:
    # One by one, as the server does: this model's vectors depend a little on their batch.
    return _in_two_threads(lambda text: embedder().embed_documents([text])[0], texts)


def embed_queries(texts: Sequence[str]) -> Any:
    return _in_two_threads(embedder().embed_query, texts)


def _in_two_threads(embed: Callable[[str], Any], texts: Sequence[str]) -> Any:
    with ThreadPoolExecutor(2) as pool:
        return np.stack(list(pool.map(embed, texts)))


@cache
def embedder() -> Any:
    from memories.models import EmbeddingSpace

    return EmbeddingSpace.objects.current().embedder


def lexemes_of(turn: Turn) -> set[str]:
    from memories.words import document_lexemes
    from memories.words.languages import stem

    month = stem(f"{turn.moment:%B}".lower(), "english")
    return {*document_lexemes(turn.content), str(turn.moment.day), month, str(turn.moment.year)}


def terms_of(query: str) -> list[Collection[str]]:
    from memories.words import query_terms

    return [term.forms for term in query_terms(query)]
