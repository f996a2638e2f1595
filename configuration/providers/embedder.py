"""Embed with a remote model over OpenAI's API."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.conf import settings as django_settings

from configuration.errors import ProviderUnavailable, UnusableAnswer, WrongDimensions
from configuration.model_settings import EmbedderSettings

from .client import REJECTIONS, Endpoint
from .embedding_models import CALIBRATIONS, PREFIXES, Calibration, Prefixes, lookup_model
from .protocols import Vectors

# Texts and characters in one request: every provider accepts these, and responds quickly.
BATCH = 64
BATCH_CHARACTERS = 200_000

# A text this short is never rejected for its length.
_MIN_CHARACTERS = 64
_LENGTH_WORDS = ("context", "too long", "too large", "maximum", "exceed", "tokens")

# Base URLs and models that have rejected `dimensions` in this process.
_fixed_dimensions: set[tuple[str, str]] = set()


@dataclass(frozen=True)
class RemoteEmbedder:
    """Embeds the beginning of a text that is too long for the model.

    Ollama and some others truncate it themselves. If a server rejects it, it is halved until it
    fits.
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

    def embed_documents(self, texts: Sequence[str], *, timeout: float | None = None) -> Vectors:
        prefix = lookup_model(PREFIXES, self.model, Prefixes()).document
        return self._embed([prefix + text for text in texts], timeout)

    def embed_query(self, text: str, *, timeout: float | None = None) -> Vectors:
        prefix = lookup_model(PREFIXES, self.model, Prefixes()).query
        vector: Vectors = self._embed([prefix + text], timeout)[0]
        return vector

    def calibrate(self, cosine: float) -> float:
        return lookup_model(CALIBRATIONS, self.model, Calibration()).scale(cosine)

    def _embed(self, texts: Sequence[str], timeout: float | None) -> Vectors:
        endpoint = Endpoint.from_settings(self.settings)
        if endpoint is None:
            raise ProviderUnavailable(
                f"There is no embedding model {self.provider}/{self.model} here."
            )
        deadline = time.monotonic() + (timeout or django_settings.EMBEDDER_TIMEOUT)
        request = _Request(endpoint, self.settings.dimensions, deadline)
        vectors = [request.embed(batch) for batch in _batches(texts)]
        return np.concatenate(vectors) if vectors else np.empty((0, self.dimensions or 0), "f4")


@dataclass(frozen=True)
class _Request:
    endpoint: Endpoint
    dimensions: int | None
    deadline: float

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed a batch, split if the server rejects it for its length."""
        body: dict[str, Any] = {"model": self.endpoint.model, "input": list(texts)}
        server = (self.endpoint.base_url, self.endpoint.model)
        if self.dimensions and server not in _fixed_dimensions:
            body["dimensions"] = self.dimensions
        try:
            timeout = self.deadline - time.monotonic()
            response = self.endpoint.post("/embeddings", body, timeout=timeout)
        except REJECTIONS as error:
            message = error.message.lower()
            if "dimension" in message and "dimensions" in body:
                _fixed_dimensions.add(server)
                return self.embed(texts)
            is_too_long = any(word in message for word in _LENGTH_WORDS)
            if is_too_long and len(texts) > 1:
                half = len(texts) // 2
                return np.concatenate([self.embed(texts[:half]), self.embed(texts[half:])])
            if is_too_long and len(texts[0]) > _MIN_CHARACTERS:
                return self.embed([texts[0][: len(texts[0]) // 2]])
            raise self.endpoint.request_rejected(error) from error
        return self._read_vectors(response, len(texts))

    def _read_vectors(self, response: Any, number: int) -> Vectors:
        """The vectors of a response, in the order of the texts, scaled to unit length."""
        try:
            by_index = {int(item["index"]): item["embedding"] for item in response["data"]}
            vectors = np.array([by_index[index] for index in range(number)], dtype=np.float32)
        except (KeyError, TypeError, ValueError, OverflowError):
            raise self._wrong_number() from None
        if vectors.ndim != 2 or len(by_index) != number:
            raise self._wrong_number()
        if self.dimensions and vectors.shape[1] != self.dimensions:
            raise WrongDimensions(
                f"{self.endpoint} answers with {vectors.shape[1]} dimensions where "
                f"{self.dimensions} are configured: set `dimensions` to {vectors.shape[1]}, or to "
                "null."
            )
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.all(np.isfinite(lengths)) or not np.all(lengths > 0):
            raise UnusableAnswer(f"{self.endpoint} answered with a vector of length 0 or infinity.")
        unit_vectors: Vectors = vectors / lengths
        return unit_vectors

    def _wrong_number(self) -> UnusableAnswer:
        return UnusableAnswer(f"{self.endpoint} did not return one vector per text.")


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
