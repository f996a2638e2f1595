"""Find the vectors in a response: servers write and order them differently."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import numpy as np

from .protocols import Vectors

# Where servers put their vectors, also one in another.
_CONTAINERS = (
    "data", "embeddings", "embedding", "embeddingsByType", "vectors", "output", "results",
    "predictions", "float", "values",
)  # fmt: skip


class WrongNumber(Exception):
    """There is not one vector per text."""


def read_vectors(response: Any, number: int) -> Vectors:
    """The vectors of a response, in the order of the texts. Raises WrongNumber.

    They may have length 0, or numbers that are not finite.
    """
    items = _find_items(response)
    if number == 1 and items and isinstance(items[0], int | float | str) and len(items) > 1:
        items = [items]  # one vector, in no list
    if len(items) != number:
        raise WrongNumber
    try:
        rows = [_read_vector(item) for item in _in_order(items)]
        vectors = np.array(rows, dtype=np.float32)
    except (TypeError, ValueError, OverflowError, binascii.Error):
        raise WrongNumber from None
    if vectors.ndim != 2 or vectors.shape[1] == 0:
        raise WrongNumber
    return vectors


def _find_items(response: Any) -> list[Any]:
    while isinstance(response, dict):
        name = next((name for name in _CONTAINERS if name in response), None)
        if name is None:
            return []
        response = response[name]
    return response if isinstance(response, list) else []


def _in_order(items: list[Any]) -> list[Any]:
    """By `index`, if every place is named once: some servers leave out 0, or all, or repeat one."""
    indexes = [_index(item) for item in items]
    by_index = {index or 0: item for index, item in zip(indexes, items, strict=True)}
    is_complete = by_index.keys() == set(range(len(items)))
    return [by_index[place] for place in range(len(items))] if is_complete else items


def _index(item: Any) -> int | None:
    index = item.get("index", item.get("text_index")) if isinstance(item, dict) else None
    return int(index) if isinstance(index, int | str) and str(index).isdecimal() else None


def _read_vector(item: Any) -> Any:
    for name in ("embedding", "embeddings", "values", "vector", "float", "base64"):
        if isinstance(item, dict) and name in item:
            item = item[name]
    if isinstance(item, list) and len(item) == 1 and isinstance(item[0], list):
        [item] = item
    if isinstance(item, str):
        return np.frombuffer(base64.b64decode(item, validate=True), dtype="<f4")
    if not isinstance(item, list):
        raise TypeError
    return np.array(item, dtype=np.float32)
