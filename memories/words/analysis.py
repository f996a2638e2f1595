"""Split texts of every script into the lexemes that keyword search compares."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from core.stop_words import ENGLISH_STOP_WORDS

from .characters import ascii_digits, fold, kinds_of, normalize, spell_out
from .languages import (
    LATIN_LANGUAGES,
    guess_language,
    is_clearly,
    language_of_script,
    stem,
)

# What stands together, by kinds: words with the punctuation inside them, syllables of scripts
# without spaces, Hangul words, and single emoji.
CHUNKS = re.compile(
    r"(?P<word>[uldm]+(?:j[uldm]+)*)"
    r"|(?P<unspaced>(?:[hk]m*)+|(?:tm*)+)|(?P<hangul>g+)|(?P<emoji>e)"
)
SEGMENTS = re.compile(r"[uldm]+")
# A piece of `INV2024`, `getUserName` or `HTTPServer`: a number, or a word with one capital.
PIECES = re.compile(r"d+|um*(?:um*)+(?=um*lm*)|(?:um*)+(?![lm])|(?:um*)?(?:lm*)+|[um]+")
CLUSTERS = re.compile(r"[hktg]m*")
# Names that end in what is punctuation elsewhere.
SHARP = re.compile(r"(?<![^\W_])([A-Za-z])(\+\+|#)(?![^\W_])")

APOSTROPHES = "'\u2019"
# What is left of `'s`, `n't` and the like, and of `3rd`.
ENDINGS = frozenset(["s", "t", "d", "m", "re", "ve", "ll"])
ORDINAL_ENDINGS = frozenset(["st", "nd", "rd", "th"])

# Longer ones are cut, in memories and queries alike.
MAX_LEXEME = 100
# A code or a path has few parts. Of a longer one, only the parts themselves are words.
MAX_SEGMENTS = 8


@dataclass
class Term:
    """What a query asks for: a memory has it if it has any of its `forms`.

    One that is not `required` tells more, where a memory has it, and nothing where it has not: the
    whole of a code beside its parts.
    """

    text: str
    forms: list[str]
    required: bool = True


@dataclass
class _Chunk:
    """A word, code, path or number, in its segments between punctuation and their pieces."""

    raw: str
    segments: list[str]
    pieces: list[list[str]] = field(default_factory=list)


def document_lexemes(text: str) -> list[str]:
    """The lexemes of a memory, sorted. Of a word in another language than English, several."""
    text = normalize(text)
    chunks, others = _split(text)
    language = _language(chunks)
    lexemes: set[str] = set()
    for chunk in chunks:
        for segment, pieces in zip(chunk.segments, chunk.pieces, strict=True):
            for piece in pieces:
                lexemes.update(_forms(piece, language, stored=True))
            if len(pieces) > 1:
                lexemes.update(_whole_forms(segment, language, stored=True))
        if 1 < len(chunk.segments) <= MAX_SEGMENTS:
            lexemes.update(_whole_forms("".join(chunk.segments), language, stored=True))
            lexemes.add(fold(chunk.raw))
            folded = [fold(segment) for segment in chunk.segments]
            pairs = [a + b for a, b in pairwise(folded)]
            lexemes.update(pair for pair in pairs if any(map(str.isdigit, pair)))
    for kind, clusters in others:
        lexemes.update(clusters if kind != "unspaced" or len(clusters) == 1 else ())
        lexemes.update(cluster for cluster in clusters if _is_word(cluster))
        lexemes.update(a + b for a, b in pairwise(clusters))
    lexemes.update(_sharp_names(text))
    return sorted({lexeme[:MAX_LEXEME] for lexeme in lexemes} - {""})


def query_terms(text: str) -> list[Term]:
    """What a query asks for, in its order, each term once."""
    text = normalize(text)
    chunks, others = _split(text)
    language = _language(chunks)
    terms = [Term(name, [name]) for name in _sharp_names(text)]
    for chunk in chunks:
        terms.extend(_chunk_terms(chunk, language))
    for kind, clusters in others:
        terms.extend(_cluster_terms(kind, clusters))
    return _distinct(terms)


def asks_for_all(text: str) -> bool:
    """Whether a query means all of its words: one of keywords alone, or with a number or code.

    A question has words that its answer need not have.
    """
    text = normalize(text)
    chunks, _ = _split(text)
    pieces = [fold(piece) for chunk in chunks for pieces in chunk.pieces for piece in pieces]
    return any(map(str.isdigit, pieces)) or guess_language(pieces) is None


def is_english(text: str) -> bool:
    """Whether a text is clearly in English: one of keywords alone is not."""
    chunks, _ = _split(normalize(text))
    return is_clearly(
        "english", (fold(piece) for chunk in chunks for pieces in chunk.pieces for piece in pieces)
    )


def _chunk_terms(chunk: _Chunk, language: str | None) -> Iterator[Term]:
    if 1 < len(chunk.segments) <= MAX_SEGMENTS:
        forms = _whole_forms("".join(chunk.segments), language, stored=False)
        yield Term(fold(chunk.raw), [*forms, fold(chunk.raw)], required=False)
    for segment, pieces in zip(chunk.segments, chunk.pieces, strict=True):
        if len(pieces) > 1:
            forms = _whole_forms(segment, language, stored=False)
            yield Term(fold(segment), forms, required=False)
        for piece in pieces:
            if forms := _forms(piece, language, stored=False):
                yield Term(forms[0], forms)


def _cluster_terms(kind: str, clusters: list[str]) -> Iterator[Term]:
    pairs = [a + b for a, b in pairwise(clusters)]
    for pair in pairs:
        yield Term(pair, [pair])
    if kind == "hangul" and len(clusters) == 2:  # a noun of one syllable may have a particle
        yield Term(clusters[0], [clusters[0]], required=False)
    for cluster in clusters if not pairs or kind == "unspaced" else ():
        if not pairs or _is_word(cluster):
            yield Term(cluster, [cluster], required=not pairs)


def _is_word(cluster: str) -> bool:
    """Whether one character often is a word: as of Han, not of syllables and alphabets."""
    return kinds_of(cluster[0]) == "h"


def _distinct(terms: Iterable[Term]) -> list[Term]:
    distinct: dict[str, Term] = {}
    for term in terms:
        term.forms = list(dict.fromkeys(form[:MAX_LEXEME] for form in term.forms if form))
        if term.forms:
            known = distinct.setdefault(term.forms[0], term)
            known.required |= term.required
    return list(distinct.values())


# --- Splitting -------------------------------------------------------------------------------


def _split(text: str) -> tuple[list[_Chunk], list[tuple[str, list[str]]]]:
    """The words of a text, and the clusters of characters of the other scripts, by their kind."""
    kinds = kinds_of(text)
    chunks, others = [], []
    for match in CHUNKS.finditer(kinds):
        kind, start, end = match.lastgroup, match.start(), match.end()
        if kind == "word":
            chunks.append(_chunk(text[start:end], kinds[start:end]))
        else:
            part = text[start:end]
            clusters = [part[m.start() : m.end()] for m in CLUSTERS.finditer(match[0])]
            others.append((kind or "", clusters or [part]))
    return chunks, others


def _chunk(raw: str, kinds: str) -> _Chunk:
    chunk = _Chunk(raw, [])
    for match in SEGMENTS.finditer(kinds):
        start, end = match.span()
        segment = raw[start:end]
        if start and raw[start - 1] in APOSTROPHES and segment.lower() in ENDINGS:
            chunk.raw = raw[: start - 1]
            continue
        pieces = [segment[m.start() : m.end()] for m in PIECES.finditer(match[0])]
        if len(pieces) == 2 and pieces[0].isdigit() and pieces[1].lower() in ORDINAL_ENDINGS:
            pieces = pieces[:1]
        chunk.segments.append(segment)
        chunk.pieces.append(pieces)
    return chunk


def _sharp_names(text: str) -> list[str]:
    """C++, C# and the like."""
    if "#" not in text and "++" not in text:
        return []
    return ["".join(match.groups()).lower() for match in SHARP.finditer(text)]


# --- Forms of words --------------------------------------------------------------------------


def _language(chunks: Iterable[_Chunk]) -> str | None:
    return guess_language(
        fold(piece) for chunk in chunks for pieces in chunk.pieces for piece in pieces
    )


def _forms(word: str, language: str | None, *, stored: bool) -> list[str]:
    """The lexemes of a word: stems in English and in its own language, or in every one.

    Those of a query have also what memories were indexed by before accents were folded.
    """
    folded = fold(word)
    if folded.isdigit():
        return _number_forms(ascii_digits(folded), stored=stored)
    if folded in ENGLISH_STOP_WORDS:
        return []
    other = None if folded.isascii() else language_of_script(folded)
    if other:
        return list(dict.fromkeys([fold(stem(word.lower(), other)), folded]))
    if word.isascii() and language == "english":
        return [stem(folded, "english")]
    languages = (language,) if language else LATIN_LANGUAGES
    forms = [stem(folded, "english")]
    for spelling in (word.lower(), spell_out(word)):
        if spelling:
            forms += [fold(stem(spelling, name)) for name in languages]
    if spelled_out := spell_out(word):
        forms.append(stem(spelled_out, "english"))
    if not stored and not word.isascii():
        forms.append(stem(word.lower(), "english"))
    return list(dict.fromkeys(forms))


def _whole_forms(word: str, language: str | None, *, stored: bool) -> list[str]:
    """The lexemes of what has several pieces, as of one word."""
    return _forms(word, language, stored=stored) if word.isalpha() else [fold(word)]


def _number_forms(number: str, *, stored: bool) -> list[str]:
    """A number is found without its leading zeros, too."""
    short = number.lstrip("0")
    return [number, short] if stored and short and short != number else [number]
