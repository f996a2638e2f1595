"""Assign categories to a memory without a language model.

A linear discriminant over the vector of the memory, after Fisher: the examples of each category are
assumed to be normally distributed around their mean, with one covariance matrix and equal priors.
It is fitted to the sentences in `prototypes/examples.txt`, once for each built-in embedding model,
and saved beside them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from configuration.providers import Embedder, Vectors
from memories.taxonomy import BUILT_IN_CATEGORIES, allowed_names

FOLDER = Path(__file__).parent / "prototypes"

# Shrinkage of the covariance matrix, since the examples are few: this multiple of its mean variance
# is added to the diagonal. Chosen by cross-validation, leaving out a fifth of the examples in turn.
SHRINKAGE = 1.0

# A memory whose likeliest category is less likely than FLOOR gets none: most such texts have no
# topic. It gets a second category that is at least as likely as SECOND. Chosen with the first half
# of benchmarks/categories.txt.
FLOOR = 0.50
SECOND = 0.25


def classify(vector: Vectors, embedder: Embedder) -> list[str]:
    """Find the likeliest category, and the second if it is likely too, where they are allowed.

    `vector` is that of the memory, of unit length, from `embedder`, which is a built-in model.
    """
    probabilities = _load_classifier(embedder).probabilities(vector)
    first, second = np.argsort(-probabilities)[:2]
    if probabilities[first] < FLOOR:
        return []
    likely = [first, second] if probabilities[second] >= SECOND else [first]
    names = [BUILT_IN_CATEGORIES[index].name for index in likely]
    return [name for name in names if name in allowed_names()]


@dataclass(frozen=True)
class Classifier:
    """One row for each built-in category: the coefficients of a vector's dimensions, and a bias.

    `origin` is a digest of the data that it was fitted to.
    """

    weights: NDArray[np.float32]
    origin: str

    @classmethod
    def fit(cls, embedder: Embedder) -> Classifier:
        rows = {category.name: row for row, category in enumerate(BUILT_IN_CATEGORIES)}
        examples = read_examples()
        vectors = embedder.embed_documents([text for _, text in examples]).astype(np.float64)
        labels = np.array([rows[name] for name, _ in examples])
        means = np.stack([vectors[labels == row].mean(axis=0) for row in rows.values()])
        residuals = vectors - means[labels]
        covariance = residuals.T @ residuals / len(examples)
        covariance += SHRINKAGE * covariance.diagonal().mean() * np.eye(vectors.shape[1])
        coefficients = np.linalg.solve(covariance, means.T).T
        biases = -0.5 * np.sum(coefficients * means, axis=1)
        weights = np.column_stack([coefficients, biases]).astype(np.float32)
        return cls(weights, compute_origin())

    @classmethod
    def load(cls, model: str) -> Classifier:
        with np.load(_path(model), allow_pickle=False) as file:
            return cls(file["weights"], str(file["origin"]))

    def save(self, model: str) -> None:
        np.savez(_path(model), weights=self.weights, origin=self.origin, allow_pickle=False)

    def probabilities(self, vector: Vectors) -> NDArray[np.float32]:
        """The probability of each built-in category, in their order. They add up to 1."""
        scores = self.weights[:, :-1] @ vector + self.weights[:, -1]
        odds: NDArray[np.float32] = np.exp(scores - scores.max())
        odds /= odds.sum()
        return odds


def read_examples() -> list[tuple[str, str]]:
    """The example sentences, each after the name of its category."""
    examples: list[tuple[str, str]] = []
    name = ""
    for line in (FOLDER / "examples.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            name = line.strip("[]")
        elif line and not line.startswith("#"):
            examples.append((name, line))
    return examples


def compute_origin() -> str:
    """A digest of everything that a classifier depends on except the embedding model."""
    names = [category.name for category in BUILT_IN_CATEGORIES]
    return hashlib.sha256(repr((SHRINKAGE, names, read_examples())).encode()).hexdigest()


@cache
def _load_classifier(embedder: Embedder) -> Classifier:
    return Classifier.load(embedder.model)


def _path(model: str) -> Path:
    return FOLDER / f"{model}.npz"
