"""The ranking of a search without its statements: with all memories at hand, in plain Python.

The scores are the server's own (`fuse_scores`). What finds the candidates, their words, neighbours
and tokens, is written again, so that it shows what the statements miss.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
from recall_sets import Conversation, Turn

CANDIDATES = 100
BOOSTERS = 15
BOOST_PLACES = 3
CONVERSATION_SECONDS = 30 * 60

# The default weights, by the names of the settings.
WEIGHTS: Mapping[str, float] = {
    "similarity": 0.48,
    "words": 0.35,
    "nearby_words": 0.17,
    "context": 0.24,
    "answers": 0.25,
    "speaker": 0.25,
    "when": 0.2,
    "all_words": 0.6,
    "time": 0.3,
    "tokens": 0.5,
}


class Formula:
    """Ranks the memories of one user for the questions about them."""

    def __init__(self, conversation: Conversation) -> None:
        self.turns = conversation.turns
        self._questions = [question.text for question in conversation.questions]
        self._actors = {turn.actor for turn in self.turns}
        documents = embed_documents([turn.content for turn in self.turns])
        self._packed = [document.tokens and document.tokens[0] for document in documents]
        self._queries = embed_queries(self._questions)
        vectors = np.stack([document.vectors[0] for document in documents])
        self._cosines = vectors @ np.stack([query.vector for query in self._queries]).T
        turn_lexemes = [lexemes_of(turn) for turn in self.turns]
        self._terms = [idf_terms(turn_lexemes, question) for question in self._questions]
        self._lexical = [
            sum((idf * matches for _, matches, idf, _ in terms), np.zeros(len(self.turns)))
            for terms in self._terms
        ]
        self._neighbours = find_neighbours(self.turns)
        self._ids = [uuid.UUID(int=(index + 1) << 64) for index in range(len(self.turns))]
        # Turns of equal score stay in this order.
        self._newest = sorted(range(len(self.turns)), key=lambda i: self.turns[i].moment)[::-1]

    def rank(self, number: int, weights: Mapping[str, float], *, limit: int) -> list[str]:
        """The ids of the best memories for the question of this number."""
        from memories.search.fusion import Booster, best_alone, fuse_scores
        from memories.search.scoring_weights import ScoringWeights
        from memories.search.speakers import find_named

        scoring = ScoringWeights(**weights)
        by_index = {index: self._candidate(index, number) for index in self._find(number)}
        best = best_alone(list(by_index.values()), scoring, limit=BOOSTERS)
        boosters: dict[uuid.UUID, list[Any]] = defaultdict(list)
        for booster in best if scoring.use_neighbours else ():
            for other, place in self._neighbours[index_of(booster)]:
                by_index.setdefault(other, self._candidate(other, number))
                boosters[self._ids[other]].append(Booster(booster, -place))
        actors = {candidate.actor for candidate in by_index.values()}
        ranked = fuse_scores(
            list(by_index.values()),
            scoring,
            boosters=boosters,
            named_actors=find_named(self._questions[number], actors),
            match_tokens=self._token_match(number),
        )
        return [self.turns[index_of(entry.candidate)].id for entry in ranked[:limit]]

    def rank_all(self, weights: Mapping[str, float], *, limit: int) -> list[list[str]]:
        return [self.rank(number, weights, limit=limit) for number in range(len(self._questions))]

    def _find(self, number: int) -> set[int]:
        by_vectors = self._sorted(self._cosines[:, number])[:CANDIDATES]
        lexical = self._lexical[number]
        by_keywords = self._sorted(lexical)[:CANDIDATES]
        return {*by_vectors, *(index for index in by_keywords if lexical[index])}

    def _candidate(self, index: int, number: int) -> Any:
        from memories.search.candidate_rows import SHORT, Candidate
        from memories.time_words import asks_when

        turn, question = self.turns[index], self._questions[number]
        has_time = asks_when(question) and not time_words().isdisjoint(lexemes_of(turn))
        return Candidate(
            self._ids[index],
            turn.moment.timestamp(),
            turn.actor,
            conversation="all" if turn.actor else None,
            cosine=float(self._cosines[index, number]),
            similarity=0.0,
            matched=[],
            lexical=float(self._lexical[number][index]),
            is_question=turn.content.rstrip().endswith(("?", "\uff1f")),
            time_words=min(1.0, SHORT / max(1, len(turn.content))) if has_time else 0.0,
            has_all_words=self._has_all_words(index, number),
        )

    def _has_all_words(self, index: int, number: int) -> bool:
        from memories.words import asks_for_all

        required = [matches[index] for _, matches, _, is_required in self._terms[number]
                    if is_required]  # fmt: skip
        return bool(required) and all(required) and asks_for_all(self._questions[number])

    def _token_match(self, number: int) -> Callable[[Sequence[Any]], Any] | None:
        from memories.search.late_interaction import compare_tokens
        from memories.words import is_english

        tokens, text = self._queries[number].tokens, self._questions[number]
        if tokens is None or not is_english(text):
            return None
        weights = self.token_weights(number)

        def match(candidates: Sequence[Any]) -> Any:
            packed = [self._packed[(candidate.pk.int >> 64) - 1] for candidate in candidates]
            return compare_tokens(packed, tokens.vectors, weights)

        return match

    def token_weights(self, number: int) -> Any:
        from memories.search.late_interaction import weigh_words

        tokens = self._queries[number].tokens
        idf_of = {term: idf for term, _, idf, _ in self._terms[number]}
        return weigh_words(tokens.words if tokens else (), idf_of)

    def _sorted(self, scores: Any) -> list[int]:
        """The best first; of equal ones, the newest."""
        return sorted(self._newest, key=lambda index: scores[index], reverse=True)


def index_of(candidate: Any) -> int:
    """The index of the turn of a candidate."""
    return int(candidate.pk.int >> 64) - 1


@cache
def time_words() -> Collection[str]:
    from memories.time_words import TIME_WORDS

    return frozenset(TIME_WORDS.replace("'", "").split(" | "))


def find_neighbours(turns: Sequence[Turn]) -> list[list[tuple[int, int]]]:
    """Of each turn, the indexes of its neighbours and their places."""
    said = sorted((i for i, turn in enumerate(turns) if turn.actor), key=lambda i: turns[i].moment)
    neighbours: list[list[tuple[int, int]]] = [[] for _ in turns]
    for number, index in enumerate(said):
        for place in range(-BOOST_PLACES, BOOST_PLACES + 1):
            if place and 0 <= number + place < len(said):
                other = said[number + place]
                apart = abs((turns[index].moment - turns[other].moment).total_seconds())
                if apart <= CONVERSATION_SECONDS:
                    neighbours[index].append((other, place))
    return neighbours


def idf_terms(turns: list[set[str]], query: str) -> list[tuple[str, Any, float, bool]]:
    """Of each term of a query: which turns have it in any form, its idf, and if it is required."""
    from memories.words import query_terms

    terms = []
    for term in query_terms(query):
        matches = np.array([not turn.isdisjoint(term.forms) for turn in turns])
        idf = float(np.log((len(turns) + 1) / (matches.sum() + 0.5)))
        terms.append((term.text, matches, idf, term.required))
    return terms


def embed_documents(texts: Sequence[str]) -> list[Any]:
    # One by one, as the server does: this model's vectors depend a little on their batch.
    from configuration import providers

    return _in_two_threads(lambda text: providers.embed_documents(embedder(), [text]), texts)


def embed_queries(texts: Sequence[str]) -> list[Any]:
    from configuration import providers

    return _in_two_threads(lambda text: providers.embed_query(embedder(), text), texts)


def _in_two_threads(embed: Callable[[str], Any], texts: Sequence[str]) -> list[Any]:
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(embed, texts))


@cache
def embedder() -> Any:
    from memories.models import EmbeddingSpace

    return EmbeddingSpace.objects.current().embedder


@cache
def lexemes_of(turn: Turn) -> Collection[str]:
    from memories.words import document_lexemes
    from memories.words.languages import stem

    month = stem(f"{turn.moment:%B}".lower(), "english")
    return frozenset(
        [*document_lexemes(turn.content), str(turn.moment.day), month, str(turn.moment.year)]
    )
