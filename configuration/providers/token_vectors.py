"""The vectors of the tokens of a text, for a finer comparison than one vector for all of it.

Late interaction after Khattab and Zaharia, "ColBERT", 2020, with the hidden states of a model that
was not trained for it: a matrix brings out of them what tells whether a text answers a question.
`benchmarks/train_token_projection.py` trains it, on LongMemEval.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding

from core.stop_words import ENGLISH_STOP_WORDS

from .protocols import QueryTokens

# float16, of shape (dimensions of the model, TOKEN_DIMENSIONS). Trained on data under the MIT
# licence: see token_projection.md. With a change of it, TOKEN_VERSION is raised.
PROJECTION = Path(__file__).with_name("token_projection.npy")
TOKEN_DIMENSIONS = 96

# Of a longer text, the first tokens count. 16 found less, and 128 no more.
MAX_DOCUMENT_TOKENS = 32
# A question has fewer. Of a text that is searched for, these are enough.
MAX_QUERY_TOKENS = 64

# What an element of a unit vector is multiplied by to be stored in a byte.
SCALE = 127


def pack_tokens(encoding: Encoding, hidden: NDArray[np.float32]) -> bytes:
    """The vectors of the tokens of a text that is stored, from the model's last hidden states."""
    kept = tokens_to_keep(encoding.tokens)[:MAX_DOCUMENT_TOKENS]
    packed: bytes = np.rint(_project(hidden[kept]) * SCALE).astype(np.int8).tobytes()
    return packed


def unpack_tokens(packed: bytes) -> NDArray[np.float32]:
    """The vectors of many texts, one after another."""
    values = np.frombuffer(packed, np.int8).astype(np.float32)
    return values.reshape(-1, TOKEN_DIMENSIONS) / np.float32(SCALE)


def query_tokens(text: str, encoding: Encoding, hidden: NDArray[np.float32]) -> QueryTokens:
    kept = tokens_to_keep(encoding.tokens)[:MAX_QUERY_TOKENS]
    words = _words(text, encoding)
    return QueryTokens([words[index] for index in kept], _project(hidden[kept]))


def tokens_to_keep(tokens: Sequence[str]) -> list[int]:
    """The tokens that say something: no stop words, punctuation and special tokens."""
    return [
        index
        for index, token in enumerate(tokens)
        if token not in ENGLISH_STOP_WORDS
        and (token.isalnum() or any(map(str.isalnum, token.removeprefix("##"))))
        and not token.startswith("[")
    ]


def _words(text: str, encoding: Encoding) -> list[str]:
    """The word of the text that each token is a part of."""
    spans: dict[int, tuple[int, int]] = {}
    for number, (start, end) in zip(encoding.word_ids, encoding.offsets, strict=True):
        if number is not None:
            first, last = spans.get(number, (start, end))
            spans[number] = (min(first, start), max(last, end))
    return ["" if number is None else text[slice(*spans[number])] for number in encoding.word_ids]


def _project(hidden: NDArray[np.float32]) -> NDArray[np.float32]:
    vectors: NDArray[np.float32] = hidden @ _projection()
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
    return vectors


@cache
def _projection() -> NDArray[np.float32]:
    return np.load(PROJECTION).astype(np.float32)  # type: ignore[no-any-return]
