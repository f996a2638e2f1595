"""Embed with a remote model over OpenAI's API, or Ollama's own."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.conf import settings as django_settings

from configuration.errors import (
    InputTooLong,
    ProviderError,
    ProviderUnavailable,
    RequestRejected,
    UnusableAnswer,
    WrongDimensions,
)
from configuration.model_settings import EmbedderSettings

from .client import Endpoint
from .embedding_answers import WrongNumber, read_vectors
from .embedding_models import (
    CALIBRATIONS,
    LATIN_ONLY,
    PREFIXES,
    Calibration,
    Prefixes,
    lookup_model,
)
from .ollama import lacks_own_api
from .protocols import Vectors
from .status_errors import TOO_LONG

# Texts and characters in one request: every provider accepts these, and responds quickly.
BATCH = 64
BATCH_CHARACTERS = 200_000

# A text this short is never rejected for its length.
_MIN_CHARACTERS = 64

_BATCH = re.compile(
    r"batch|at most \d+|maximum (number|allowed)|too many (inputs|texts|items)"
    r"|array.{0,40}(long|max)|must be (less|at most|no more)|limit(ed)? (is|of|to) \d+"
)
_LENGTH = re.compile(r"too large|maximum|exceed|tokens|payload")
_STATUSES = (400, 413, 422, 500)

# What this process has learnt, by base URL and model: which take no `dimensions`, which do not
# serve Ollama's own API, and how many texts they take at once.
_fixed_dimensions: set[tuple[str, str]] = set()
_without_own_api: set[tuple[str, str]] = set()
_batch_sizes: dict[tuple[str, str], int] = {}


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

    @property
    def is_latin_only(self) -> bool:
        return lookup_model(LATIN_ONLY, self.model, False)

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
        request = _Request(endpoint, self.settings, deadline)
        return request.embed_all(texts) if texts else np.empty((0, self.dimensions or 0), "f4")


@dataclass(frozen=True)
class _Request:
    endpoint: Endpoint
    settings: EmbedderSettings
    deadline: float

    @property
    def _server(self) -> tuple[str, str]:
        return self.endpoint.base_url, self.endpoint.model

    def embed_all(self, texts: Sequence[str]) -> Vectors:
        vectors, start = [], 0
        while start < len(texts):
            # Again for each batch: the one before may have shown that the server takes fewer.
            batch = self._take_batch(texts, start)
            vectors.append(self.embed(batch))
            start += len(batch)
        return np.concatenate(vectors)

    def _take_batch(self, texts: Sequence[str], start: int) -> Sequence[str]:
        size = min(self.settings.batch_size or BATCH, _batch_sizes.get(self._server, BATCH))
        characters, end = len(texts[start]), start + 1
        while end < len(texts) and end - start < size:
            characters += len(texts[end])
            if characters > BATCH_CHARACTERS:
                break
            end += 1
        return texts[start:end]

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed a batch, in halves if the server takes fewer or shorter texts."""
        try:
            response = self._post(texts)
        except ProviderError as error:
            return self._embed_otherwise(texts, error)
        try:
            return self._check(read_vectors(response, len(texts)))
        except (WrongNumber, UnusableAnswer) as error:
            if len(texts) > 1:  # some embed only one text a call; and one may cost the others
                return self._embed_halves(texts, is_lasting=isinstance(error, WrongNumber))
            if isinstance(error, WrongNumber):
                detail = f"{self.endpoint} did not return one vector per text."
                raise UnusableAnswer(detail) from None
            raise

    def _post(self, texts: Sequence[str]) -> Any:
        body: dict[str, Any] = {"model": self.endpoint.model, "input": list(texts)}
        if self.settings.dimensions and self._server not in _fixed_dimensions:
            body["dimensions"] = self.settings.dimensions
        path = "/embeddings"
        if self.endpoint.is_ollama:
            path = "/v1/embeddings" if self._server in _without_own_api else "/api/embed"
        timeout = self.deadline - time.monotonic()
        return self.endpoint.post(path, body, timeout=timeout, learns=self._learns)

    def _learns(self, said: str) -> bool:
        return "dimension" in said or bool(TOO_LONG.search(said) or _BATCH.search(said))

    def _embed_otherwise(self, texts: Sequence[str], error: ProviderError) -> Vectors:
        """What a refusal leads to. Raises the error if it leads to nothing else."""
        is_own_api = self.endpoint.is_ollama and self._server not in _without_own_api
        if is_own_api and lacks_own_api(error):
            _without_own_api.add(self._server)
            return self.embed(texts)
        has_dimensions = self.settings.dimensions and self._server not in _fixed_dimensions
        if has_dimensions and "dimension" in error.said:
            _fixed_dimensions.add(self._server)
            return self.embed(texts)
        is_too_long = isinstance(error, InputTooLong) or (
            error.status in _STATUSES and bool(_LENGTH.search(error.said))
        )
        is_batch = error.status in _STATUSES and bool(_BATCH.search(error.said))
        if len(texts) > 1 and (is_too_long or is_batch):
            return self._embed_halves(texts, is_lasting=is_batch and "token" not in error.said)
        if is_too_long and len(texts[0]) > _MIN_CHARACTERS:
            return self.embed([texts[0][: len(texts[0]) // 2]])
        if len(texts) > 1 and type(error) is RequestRejected and error.status in (400, 422):
            # A refusal that says nothing: one text alone shows whether it is the number.
            first = self.embed(texts[:1])
            return np.concatenate([first, self._embed_halves(texts[1:], is_lasting=True)])
        raise error

    def _embed_halves(self, texts: Sequence[str], *, is_lasting: bool) -> Vectors:
        half = max(1, len(texts) // 2)
        if is_lasting:
            _batch_sizes[self._server] = half
            return self.embed_all(texts)
        return np.concatenate([self.embed(texts[:half]), self.embed(texts[half:])])

    def _check(self, vectors: Vectors) -> Vectors:
        """Check vectors, and scale them to unit length."""
        dimensions = self.settings.dimensions
        if dimensions and vectors.shape[1] != dimensions:
            raise WrongDimensions(
                f"{self.endpoint} answers with {vectors.shape[1]} dimensions where {dimensions} "
                f"are configured: set `dimensions` to {vectors.shape[1]}, or to null."
            )
        # In float64: the squares of large numbers are larger than a float32 can be.
        lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
        if not np.all(np.isfinite(lengths)) or not np.all(lengths > 0):
            raise UnusableAnswer(f"{self.endpoint} answered with a vector of length 0 or infinity.")
        unit_vectors: Vectors = (vectors / lengths).astype(np.float32)
        return unit_vectors
