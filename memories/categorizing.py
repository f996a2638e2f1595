"""Name the themes of a memory without a language model: by nearness to prototypes."""

from __future__ import annotations

from functools import cache

import numpy as np

from configuration.providers import Embedder, Vectors

from .taxonomy import THEMES

# Below this calibrated similarity to every theme a memory stays without a category.
FLOOR = 0.30
# A second theme counts when its cosine is as near as this to that of the first.
MARGIN = 0.02


def categorize(vector: Vectors, embedder: Embedder) -> list[str]:
    """Name the nearest theme, and the second where it is about as near.

    `vector` is the memory's own, of unit length and of the same model as the embedder.
    """
    cosines = _prototypes(embedder) @ vector
    first, second = np.argsort(-cosines)[:2]
    if embedder.calibrate(float(cosines[first])) < FLOOR:
        return []
    if cosines[first] - cosines[second] > MARGIN:
        return [THEMES[first].name]
    return [THEMES[first].name, THEMES[second].name]


@cache
def _prototypes(embedder: Embedder) -> Vectors:
    """Embed the themes once a process: the mean of a description and its examples, per theme."""
    texts = [text for theme in THEMES for text in (theme.description, *theme.examples)]
    means: Vectors = embedder.embed_documents(texts).reshape(len(THEMES), 3, -1).mean(axis=1)
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    return means
