"""Name the themes of a memory without a language model.

A linear discriminant over the vector of the memory, after Fisher: the themes are taken to lie
around their means, all equally likely and all spread alike. It is fitted to the sentences of
`themes/examples.txt`, for each built-in embedding model, and kept beside them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from configuration.providers import Embedder, Vectors

from .taxonomy import THEMES, allowed

FOLDER = Path(__file__).parent / "prototypes"

# What is added to the spread of the examples in every direction, since they are few, as a multiple
# of its mean: chosen by leaving a fifth of them out in turn.
SHRINKAGE = 1.0

# A memory whose likeliest theme is less likely than this has none: most such texts are about
# nothing. A second theme is named that is at least as likely as this. Chosen by the first half of
# benchmarks/categories.txt.
FLOOR = 0.50
SECOND = 0.25


def categorize(vector: Vectors, embedder: Embedder) -> list[str]:
    """Name the likeliest theme, and the second where it is likely, too: those that are allowed.

    `vector` is the memory's own, of unit length, of the embedder, which is a built-in one.
    """
    likelihoods = _classifier(embedder).likelihoods(vector)
    first, second = np.argsort(-likelihoods)[:2]
    if likelihoods[first] < FLOOR:
        return []
    named = [first, second] if likelihoods[second] >= SECOND else [first]
    names = [THEMES[index].name for index in named]
    return [name for name in names if name in allowed()]


@dataclass(frozen=True)
class Classifier:
    """A row for each theme: the weights of a vector's dimensions, and a constant.

    `origin` is a digest of what it was fitted to.
    """

    weights: NDArray[np.float32]
    origin: str

    @classmethod
    def fit(cls, embedder: Embedder) -> Classifier:
        places = {theme.name: place for place, theme in enumerate(THEMES)}
        told = examples()
        vectors = embedder.embed_documents([text for _, text in told]).astype(np.float64)
        of = np.array([places[name] for name, _ in told])
        means = np.stack([vectors[of == place].mean(axis=0) for place in places.values()])
        apart = vectors - means[of]
        spread = apart.T @ apart / len(told)
        spread += SHRINKAGE * spread.diagonal().mean() * np.eye(vectors.shape[1])
        slopes = np.linalg.solve(spread, means.T).T
        constants = -0.5 * np.sum(slopes * means, axis=1)
        return cls(np.column_stack([slopes, constants]).astype(np.float32), origin())

    @classmethod
    def kept(cls, model: str) -> Classifier:
        with np.load(_file(model), allow_pickle=False) as file:
            return cls(file["weights"], str(file["origin"]))

    def keep(self, model: str) -> None:
        np.savez(_file(model), weights=self.weights, origin=self.origin, allow_pickle=False)

    def likelihoods(self, vector: Vectors) -> NDArray[np.float32]:
        """How likely each theme is, in the order of THEMES. They add up to 1."""
        scores = self.weights[:, :-1] @ vector + self.weights[:, -1]
        odds: NDArray[np.float32] = np.exp(scores - scores.max())
        odds /= odds.sum()
        return odds


def examples() -> list[tuple[str, str]]:
    """Sentences, each with the name of the theme that it is about."""
    told: list[tuple[str, str]] = []
    name = ""
    for line in (FOLDER / "examples.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            name = line.strip("[]")
        elif line and not line.startswith("#"):
            told.append((name, line))
    return told


def origin() -> str:
    """A digest of all that a classifier depends on but the model."""
    said = repr((SHRINKAGE, [theme.name for theme in THEMES], examples()))
    return hashlib.sha256(said.encode()).hexdigest()


@cache
def _classifier(embedder: Embedder) -> Classifier:
    return Classifier.kept(embedder.model)


def _file(model: str) -> Path:
    return FOLDER / f"{model}.npz"
