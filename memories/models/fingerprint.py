"""Texts and names that are the same to a reader, whatever their case or form of Unicode."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable


def fingerprint(content: str) -> bytes:
    """Hash the words of a text.

    Two texts are the same memory whatever their case, spacing or Unicode's form of their letters.
    """
    folded = content.casefold() if content.isascii() else _compose(_compose(content).casefold())
    return hashlib.sha256(" ".join(folded.split()).encode()).digest()


def _compose(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def spellings(names: Iterable[str]) -> set[str]:
    """Names in every form of Unicode in which they may be stored."""
    return {
        spelling
        for name in names
        for spelling in (name, _compose(name), unicodedata.normalize("NFD", name))
    }
