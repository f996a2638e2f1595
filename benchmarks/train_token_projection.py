"""Train the matrix that makes the vectors of tokens out of the hidden states of the built-in model.

    python benchmarks/train_token_projection.py longmemeval-dev.json [--half] [--output FILE]
    python benchmarks/train_token_projection.py longmemeval-dev.json --cross-validate

Never train on LoCoMo, whose licence forbids it. The questions about LongMemEval's facts, each a
memory outside any conversation, are pairs with their evidence: a softmax over a memory that answers
and some of the hardest that do not, by late interaction. It starts from the main components of the
tokens, and takes seconds after the texts have been embedded. `--half` leaves every other question
for `recall.py --held-out` to show the result on. `--cross-validate` trains on either half, asks the
other one in numpy, and prints the recall of all questions, none of which its matrix was trained on.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import numpy as np
from live_server import own_server, setup_django
from recall import DEPTHS, Recall, database, format_columns
from recall_formula import WEIGHTS, Formula, embedder
from recall_sets import HELD_OUT, SEEN, read_conversations

DIMENSIONS = 96
HARDEST, NEGATIVES = 60, 20
BATCH = 16
LEARNING_RATE = 1e-3
TEMPERATURE = 20.0
SEEDS = 4  # the matrices of so many runs are averaged


@dataclass(frozen=True)
class Example:
    """A question with its tokens' states and weights, a memory that answers, and others."""

    query: Any
    weights: Any
    positive: Any
    negatives: Sequence[Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="longmemeval-dev.json")
    parser.add_argument("--half", action="store_true", help="train on every other question")
    parser.add_argument("--cross-validate", action="store_true", help="show each half on the other")
    parser.add_argument("--output", type=Path, default=Path("token_projection.npy"))
    options = parser.parse_args()
    with own_server():
        setup_django()
        with database():
            if options.cross_validate:
                cross_validate(options.data)
                return
            states, examples = read_examples(options.data, SEEN if options.half else slice(None))
    np.save(options.output, mean_matrix(states, examples))
    print(f"Trained on {len(examples)} pairs: {options.output}")


def cross_validate(path: Path) -> None:
    """Print the recall of either half with the matrix of the other, and of both together."""
    conversations = read_conversations(path)
    both = [Recall() for _ in conversations]
    print("| questions | " + " | ".join(f"{it.name} @5 | @10" for it in conversations) + " |")
    print("| --- |" + " --- |" * len(DEPTHS) * len(conversations))
    for asked, others in ((HELD_OUT, SEEN), (SEEN, HELD_OUT)):
        use_matrix(mean_matrix(*read_examples(path, others)))
        half = [Recall() for _ in conversations]
        for number, conversation in enumerate(conversations):
            part = conversation.only(asked)
            results = Formula(part).rank_all(WEIGHTS, limit=max(DEPTHS))
            for recall in (half[number], both[number]):
                recall.add(part, results)
        print_row("one half", half)
    print_row("**all**", both)


def print_row(title: str, recalls: Sequence[Recall]) -> None:
    means = [value for recall in recalls for value in recall.means(recall.groups)]
    print(f"| {title} | {format_columns(means)} |", flush=True)


def use_matrix(matrix: Any) -> None:
    """Have the embedder make the vectors of tokens with this matrix."""
    from configuration.providers import token_vectors

    with NamedTemporaryFile(suffix=".npy") as file:
        np.save(file, matrix)
        file.flush()
        token_vectors.PROJECTION = Path(file.name)
        token_vectors._projection.cache_clear()
        token_vectors._projection()


def read_examples(path: Path, part: slice) -> tuple[list[Any], list[Example]]:
    """The states of the tokens of all memories, and the examples of these questions."""
    conversation = next(each for each in read_conversations(path) if each.name.endswith("-lone"))
    formula = Formula(conversation)
    states = read_states([turn.content for turn in conversation.turns])
    states_of = {turn.id: state for turn, state in zip(conversation.turns, states, strict=True)}
    questions = list(enumerate(conversation.questions))[part]
    query_states = read_states([question.text for _, question in questions])
    examples = []
    for (number, question), query in zip(questions, query_states, strict=True):
        weights = formula.token_weights(number)
        ranked = formula.rank(number, {**WEIGHTS, "tokens": 0}, limit=HARDEST + 20)
        negatives = [states_of[pk] for pk in ranked if pk not in question.evidence][:HARDEST]
        if weights.any():
            examples += [
                Example(query, weights / weights.sum(), states_of[pk], negatives)
                for pk in sorted(question.evidence & states_of.keys())
                if len(states_of[pk])
            ]
    return states, examples


def read_states(texts: Sequence[str]) -> list[Any]:
    """The last hidden states of the tokens that say something, of each text."""
    from configuration.providers.token_vectors import MAX_DOCUMENT_TOKENS, tokens_to_keep

    def read(text: str) -> Any:
        found: list[Any] = []
        embedder()._embed(
            [text],
            read=lambda encoding, hidden: hidden[
                tokens_to_keep(encoding.tokens)[:MAX_DOCUMENT_TOKENS]
            ],
            into=found,
        )
        return found[0]

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(read, texts))


def mean_matrix(states: Sequence[Any], examples: Sequence[Example]) -> Any:
    start = main_components(states)
    matrices = [train(examples, start, seed) for seed in range(SEEDS)]
    return np.mean(matrices, axis=0).astype(np.float16)


def main_components(states: Sequence[Any]) -> Any:
    tokens = np.concatenate(states).astype(np.float64)
    tokens /= np.linalg.norm(tokens, axis=1, keepdims=True)
    _, vectors = np.linalg.eigh(tokens.T @ tokens / len(tokens))
    return vectors[:, ::-1][:, :DIMENSIONS].astype(np.float32)


def train(examples: Sequence[Example], start: Any, seed: int) -> Any:
    """One epoch of Adam."""
    chance = np.random.default_rng(seed)
    matrix = start.copy()
    mean, square = np.zeros_like(matrix), np.zeros_like(matrix)
    order = chance.permutation(len(examples))
    for step, first in enumerate(range(0, len(order), BATCH), start=1):
        batch = [examples[index] for index in order[first : first + BATCH]]
        gradient = sum(gradient_of(example, matrix, chance) for example in batch) / BATCH
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        scale = np.sqrt(square / (1 - 0.999**step)) + 1e-8
        matrix -= LEARNING_RATE * mean / (1 - 0.9**step) / scale
    return matrix


def gradient_of(example: Example, matrix: Any, chance: np.random.Generator) -> Any:
    """Of the loss, by the matrix: cross-entropy of the one that answers among the others."""
    picks = chance.choice(len(example.negatives), min(NEGATIVES, len(example.negatives)), False)
    memories = [example.positive, *(example.negatives[pick] for pick in picks)]
    memories = [memory for memory in memories if len(memory)]
    tokens = np.concatenate(memories)
    query, query_back = unit_vectors(example.query, matrix)
    vectors, vectors_back = unit_vectors(tokens, matrix)
    cosines = vectors @ query.T
    ends = np.cumsum([0, *map(len, memories)])
    nearest = np.array([begin + cosines[begin:end].argmax(axis=0) for begin, end in pairwise(ends)])
    scores = TEMPERATURE * np.take_along_axis(cosines, nearest, 0) @ example.weights
    errors = np.exp(scores - scores.max())
    errors /= errors.sum()
    errors[0] -= 1
    slopes = TEMPERATURE * errors[:, None] * example.weights
    by_query, by_vectors = np.zeros_like(query), np.zeros_like(vectors)
    for indexes, slope in zip(nearest, slopes, strict=True):
        by_query += slope[:, None] * vectors[indexes]
        np.add.at(by_vectors, indexes, slope[:, None] * query)
    return query_back(by_query) + vectors_back(by_vectors)


def unit_vectors(states: Any, matrix: Any) -> tuple[Any, Callable[[Any], Any]]:
    """The projected vectors, and what turns a gradient by them into one by the matrix."""
    projected = states @ matrix
    lengths = np.linalg.norm(projected, axis=1, keepdims=True)
    vectors = projected / lengths

    def back(gradient: Any) -> Any:
        along = (gradient * vectors).sum(axis=1, keepdims=True)
        return states.T @ ((gradient - along * vectors) / lengths)

    return vectors, back


if __name__ == "__main__":
    main()
