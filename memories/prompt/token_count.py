"""Count tokens without the vocabulary of any model, rather too many than too few.

Each language model has another vocabulary, of some megabytes, and the server does not know which
one reads its text. These pieces are shorter than those of the common ones: on LoCoMo and
LongMemEval they are 1.3 times as many as o200k has, and on no text of 100 words fewer.
docs/clients.md defines them, so that a client can count for itself.
"""

from __future__ import annotations

import re

TOKENIZER = "openmemory-pieces-1"

# Up to five letters, up to three digits, a line break, a run of spaces, or one other character.
# Single spaces belong to what follows.
PIECE = re.compile(r"[A-Za-z]{1,5}|[0-9]{1,3}|\n|[^\S\n]{2,}|[^\sA-Za-z0-9]")

ELLIPSIS = " […]"


def count_tokens(text: str) -> int:
    """Pieces never reach over a line break: the tokens of lines add up."""
    return sum(map(_cost, PIECE.findall(text)))


def shorten(text: str, tokens: int) -> str:
    """Cut a text that has more tokens, and mark that it was cut."""
    if count_tokens(text) <= tokens:
        return text
    remaining = tokens - count_tokens(ELLIPSIS)
    end = 0
    for piece in PIECE.finditer(text):
        remaining -= _cost(piece[0])
        if remaining < 0:
            break
        end = piece.end()
    return text[:end] + ELLIPSIS if end else ""


def _cost(piece: str) -> int:
    """A character beyond ASCII costs one token less than it has bytes in UTF-8."""
    return 1 if piece.isascii() else sum(max(1, len(char.encode()) - 1) for char in piece)
