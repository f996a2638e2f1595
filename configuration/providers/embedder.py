"""Embed with any model that is reached over OpenAI's API."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from django.conf import settings as django_settings

from configuration.errors import AnswerUnusable, ProviderUnavailable, WrongDimensions

from . import Vectors
from .catalog import CALIBRATIONS, PREFIXES, Calibration, Prefixes, of_model
from .client import REFUSALS, Line, refusal

if TYPE_CHECKING:
    from configuration.effective import EmbedderSettings

# Texts of one call, and their characters: what every provider takes, and what comes back soon.
BATCH = 64
BATCH_CHARACTERS = 200_000

# A text as short as this is not refused for its length.
_SHORTEST = 64
_TOO_LONG = ("context", "too long", "too large", "maximum", "exceed", "tokens")

# Addresses and models of which this process has learnt that they take no `dimensions`.
_fixed: set[tuple[str, str]] = set()


@dataclass(frozen=True)
class RemoteEmbedder:
    """A text that is longer than the model takes is embedded by its beginning.

    Ollama and some others cut it themselves. Where a server refuses it, it is halved until it fits.
    """

    settings: EmbedderSettings

    @property
    def provider(self) -> str:
        return self.settings.provider

    @property
    def model(self) -> str:
        return self.settings.model or ""

    @property
    def dimensions(self) -> int | None:
        return self.settings.dimensions

    def embed_documents(self, texts: Sequence[str], *, within: float | None = None) -> Vectors:
        prefix = of_model(PREFIXES, self.model, Prefixes()).document
        return self._embed([prefix + text for text in texts], within)

    def embed_query(self, text: str, *, within: float | None = None) -> Vectors:
        prefix = of_model(PREFIXES, self.model, Prefixes()).query
        vector: Vectors = self._embed([prefix + text], within)[0]
        return vector

    def calibrate(self, cosine: float) -> float:
        return of_model(CALIBRATIONS, self.model, Calibration()).of(cosine)

    def _embed(self, texts: Sequence[str], within: float | None) -> Vectors:
        line = Line.of(self.settings)
        if line is None:
            raise ProviderUnavailable(f"There is no embedder {self.provider}/{self.model} here.")
        deadline = time.monotonic() + (within or django_settings.EMBEDDER_TIMEOUT)
        call = _Call(line, self.settings.dimensions, deadline)
        vectors = [call.embed(batch) for batch in _batches(texts)]
        return np.concatenate(vectors) if vectors else np.empty((0, self.dimensions or 0), "f4")


@dataclass(frozen=True)
class _Call:
    line: Line
    dimensions: int | None
    deadline: float

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed as many texts as one call takes, or as it turns out to take."""
        body: dict[str, Any] = {"model": self.line.model, "input": list(texts)}
        at = (self.line.base_url, self.line.model)
        if self.dimensions and at not in _fixed:
            body["dimensions"] = self.dimensions
        try:
            answer = self.line.ask("/embeddings", body, within=self.deadline - time.monotonic())
        except REFUSALS as error:
            said = error.message.lower()
            if "dimension" in said and "dimensions" in body:
                _fixed.add(at)
                return self.embed(texts)
            if any(word in said for word in _TOO_LONG) and len(texts) > 1:
                half = len(texts) // 2
                return np.concatenate([self.embed(texts[:half]), self.embed(texts[half:])])
            if any(word in said for word in _TOO_LONG) and len(texts[0]) > _SHORTEST:
                return self.embed([texts[0][: len(texts[0]) // 2]])
            raise refusal(self.line, error) from error
        return self._checked(answer, len(texts))

    def _checked(self, answer: Any, number: int) -> Vectors:
        """The vectors of an answer, in order and of unit length."""
        try:
            placed = {int(each["index"]): each["embedding"] for each in answer["data"]}
            vectors = np.array([placed[index] for index in range(number)], dtype=np.float32)
        except (KeyError, TypeError, ValueError, OverflowError):
            raise AnswerUnusable(f"{self.line} did not answer with a vector a text.") from None
        if vectors.ndim != 2 or len(placed) != number:
            raise AnswerUnusable(f"{self.line} did not answer with a vector a text.")
        if self.dimensions and vectors.shape[1] != self.dimensions:
            raise WrongDimensions(
                f"{self.line} answers with {vectors.shape[1]} dimensions where {self.dimensions} "
                f"are configured: set `dimensions` to {vectors.shape[1]}, or to null."
            )
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.all(np.isfinite(lengths)) or not np.all(lengths > 0):
            raise AnswerUnusable(f"{self.line} answered with a vector that has no direction.")
        unit: Vectors = vectors / lengths
        return unit


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    characters = 0
    for text in texts:
        if batch and (len(batch) == BATCH or characters + len(text) > BATCH_CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append(text)
        characters += len(text)
    if batch:
        yield batch
