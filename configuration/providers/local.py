"""The built-in embedding model: bge-small-en-v1.5, as int8 ONNX, from a wheel.

Xiao et al., "C-Pack: Packed Resources For General Chinese Embeddings", 2023. English only.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from configuration.catalog import LOCAL, LOCAL_DIMENSIONS, LOCAL_EMBEDDING_MODEL
from core.observability import metrics, tracing

from .embedding_models import CALIBRATIONS
from .model_files import find_verified_file
from .protocols import EmbeddedDocuments, EmbeddedQuery, Vectors
from .token_vectors import pack_tokens, query_tokens

FOLDER = "models/bge-small-en-v1.5-int8/"
MODEL_SHA256 = "6c9c6101a956d62dfb5e7190c538226c0c5bb9cb27b651234b6df063ee7dbfe4"
TOKENIZER_SHA256 = "d241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66"

MAX_TOKENS = 512

# Texts that are tokenized together. Those of similar length share a run of the model.
BATCH = 64
# Tokens in one run, padding included. Attention needs memory for every pair of tokens of a text,
# and the process keeps it: 32 texts of 480 tokens in one run took 930 MB, and longer than in 32.
RUN_TOKENS = 768
# Only one run of more tokens than this at a time: its memory is used again by the next one.
SMALL_RUN_TOKENS = 256

# Reads what is to be known of the tokens of a text from its last hidden states.
Read = Callable[[Encoding, NDArray[np.float32]], Any]


class LocalEmbedder:
    provider = LOCAL
    model = LOCAL_EMBEDDING_MODEL
    dimensions = LOCAL_DIMENSIONS
    is_latin_only = True

    def __init__(self) -> None:
        self._load_lock = threading.Lock()
        self._large_run = threading.Lock()

    def embed_documents(self, texts: Sequence[str], *, timeout: float | None = None) -> Vectors:
        vectors = [self._embed(texts[i : i + BATCH]) for i in range(0, len(texts), BATCH)]
        return np.concatenate(vectors) if vectors else np.empty((0, self.dimensions), np.float32)

    def embed_query(self, text: str, *, timeout: float | None = None) -> Vectors:
        vector: Vectors = self._embed([text])[0]
        return vector

    def embed_documents_with_tokens(self, texts: Sequence[str]) -> EmbeddedDocuments:
        tokens: list[bytes] = []
        vectors = [
            self._embed(texts[i : i + BATCH], read=pack_tokens, into=tokens)
            for i in range(0, len(texts), BATCH)
        ]
        nothing = np.empty((0, self.dimensions), np.float32)
        return EmbeddedDocuments(np.concatenate(vectors) if vectors else nothing, tokens)

    def embed_query_with_tokens(self, text: str) -> EmbeddedQuery:
        tokens: list[Any] = []
        [vector] = self._embed(
            [text],
            read=lambda encoding, hidden: query_tokens(text, encoding, hidden),
            into=tokens,
        )
        return EmbeddedQuery(vector, tokens[0])

    def calibrate(self, cosine: float) -> float:
        return CALIBRATIONS[self.model].scale(cosine)

    def _embed(
        self, texts: Sequence[str], *, read: Read | None = None, into: list[Any] | None = None
    ) -> Vectors:
        """Embed texts and, with `read`, read their tokens `into` a list."""
        with self._load_lock:
            tokenizer, session = self._tokenizer, self._session
        with (
            metrics.measure_embedding(self.model, len(texts)),
            tracing.span("embed", texts=len(texts)),
        ):
            encodings = tokenizer.encode_batch(list(texts))
            vectors, tokens = self._run(session, encodings, read)
        if into is not None:
            into += tokens
        return vectors

    def _run(
        self,
        session: onnxruntime.InferenceSession,
        encodings: Sequence[Encoding],
        read: Read | None,
    ) -> tuple[Vectors, list[Any]]:
        ids = [encoding.ids for encoding in encodings]
        tokens: list[Any] = [None] * len(ids)
        vectors: Vectors = np.empty((len(ids), self.dimensions), np.float32)
        for run in plan_runs([len(its_ids) for its_ids in ids]):
            inputs = _pad([ids[index] for index in run])
            large = inputs["input_ids"].size > SMALL_RUN_TOKENS
            with self._large_run if large else nullcontext():
                hidden = session.run(None, inputs)[0]
            # The model is trained to have the meaning of a text in its first token.
            vectors[run] = hidden[:, 0]
            for row, index in enumerate(run):
                if read is None:
                    break
                tokens[index] = read(encodings[index], hidden[row, : len(ids[index])])
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors, tokens

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        tokenizer = Tokenizer.from_file(str(_find_file("tokenizer.json", TOKENIZER_SHA256)))
        tokenizer.enable_truncation(MAX_TOKENS)
        return tokenizer

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions()
        # Callers run in parallel, each on one thread: this is as fast as batches over all cores,
        # without waiting for a batch to fill.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # It would keep memory for every shape of input that there has been.
        options.enable_mem_pattern = False
        model = _find_file("model_quantized.onnx", MODEL_SHA256)
        return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def plan_runs(lengths: Sequence[int]) -> list[list[int]]:
    """Divide texts of these numbers of tokens into runs: the indexes of the texts of each."""
    runs: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        # The longest text so far, to whose length the others are padded.
        if runs and lengths[index] * (len(runs[-1]) + 1) <= RUN_TOKENS:
            runs[-1].append(index)
        else:
            runs.append([index])
    return runs


def _pad(tokens: Sequence[Sequence[int]]) -> dict[str, NDArray[np.int64]]:
    ids = np.zeros((len(tokens), max(map(len, tokens))), np.int64)
    mask = np.zeros_like(ids)
    for row, values in enumerate(tokens):
        ids[row, : len(values)] = values
        mask[row, : len(values)] = 1
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}


def _find_file(name: str, sha256: str) -> Path:
    return find_verified_file(
        "compartment", FOLDER + name, sha256, install="requirements-binaries.lock"
    )
