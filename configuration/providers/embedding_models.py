"""Properties of particular embedding models, looked up by the beginning of a model's name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from configuration.catalog import LOCAL_EMBEDDING_MODEL, MULTILINGUAL_MODEL

T = TypeVar("T")


@dataclass(frozen=True)
class Calibration:
    """Scales a model's cosines: `floor` means unrelated, `floor + range` the same meaning."""

    floor: float = 0.0
    range: float = 1.0

    def scale(self, cosine: float) -> float:
        return min(1.0, max(0.0, (cosine - self.floor) / self.range))


@dataclass(frozen=True)
class Prefixes:
    """What a model was trained to see before a query, and before a document."""

    query: str = ""
    document: str = ""


# Cosines of other models are not scaled.
CALIBRATIONS = {
    LOCAL_EMBEDDING_MODEL: Calibration(0.45, 0.40),
    # Its cosines are close together. These figures match bge's for the same pairs of texts.
    MULTILINGUAL_MODEL: Calibration(0.735, 0.14),
}

# Trained on English, whose tokenizers take the characters of other scripts for unknown ones.
LATIN_ONLY = {
    "bge-small-en": True,
    "bge-base-en": True,
    "bge-large-en": True,
    "all-minilm": True,
    "nomic-embed-text-v2": False,
    "nomic-embed-text": True,
    "mxbai-embed-large": True,
}

# From the model cards. No provider adds them.
PREFIXES = {
    "nomic-embed-text": Prefixes("search_query: ", "search_document: "),
    "mxbai-embed-large": Prefixes("Represent this sentence for searching relevant passages: "),
    "snowflake-arctic-embed": Prefixes("query: "),
    "multilingual-e5": Prefixes("query: ", "passage: "),
    "e5-": Prefixes("query: ", "passage: "),
}


def lookup_model(table: Mapping[str, T], model: str, default: T) -> T:
    """Look up a model, whatever publisher and size its name has."""
    name = model.rsplit("/", 1)[-1].lower()
    return next((value for start, value in table.items() if name.startswith(start)), default)
