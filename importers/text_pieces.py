"""Divide texts: a long one into pieces that can be found, and a list into its entries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from .values import as_moment

# A longer text is found badly: one vector says what all of it is about.
MAX_PIECE_BYTES = 8 * 1024

# Where a text is divided, the best first: before a heading, at an empty line, at any line, between
# words.
_BREAKS = [re.compile(each) for each in (r"\n(?=#{1,6} )", r"\n[^\S\n]*\n", r"\n", r"\s")]

_MARKER = re.compile(r"^\s{0,3}(?:[-*+\u2022]|\d{1,4}[.)])\s+(?=\S)")
# As memories are listed: `[2026-01-31]. Likes tea` or `[2026-01-31] - Likes tea`.
_DATE = re.compile(r"^\[(\d{4}-\d{2}-\d{2})\][.:]?\s*(?:-\s+)?(?=\S)")
_EMPTY_LINE = re.compile(r"\n(?:[^\S\n]*\n)+")


class Entry(NamedTuple):
    text: str
    said_at: datetime | None = None


def divide(text: str) -> list[str]:
    """Divide a text into trimmed pieces of at most MAX_PIECE_BYTES."""
    pieces, at = [], 0
    while at < len(text):
        head = text[at : at + MAX_PIECE_BYTES].encode()[:MAX_PIECE_BYTES].decode(errors="ignore")
        if at + len(head) < len(text):
            head = head[: _find_break(head)]
        pieces.append(head.strip())
        at += len(head)
    return [piece for piece in pieces if piece]


def _find_break(head: str) -> int:
    """Where to divide a text that goes on, so that no piece is short."""
    for pattern in _BREAKS:
        places = [match.start() for match in pattern.finditer(head)]
        if places and places[-1] > len(head) // 4:
            return places[-1]
    return len(head)


def entries(text: str) -> Iterator[Entry]:
    """The entries of a text: its paragraphs, of lists the items; without any, its lines."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    blocks = _EMPTY_LINE.split(text)
    for block in blocks:
        if len(blocks) == 1:
            yield from map(read_entry, block.split("\n"))
        else:
            yield from _entries_of_block(block)


def _entries_of_block(block: str) -> Iterator[Entry]:
    lines = block.split("\n")
    if not _MARKER.match(lines[0]):
        yield read_entry(block)
        return
    item = lines[0]
    for line in lines[1:]:
        if _MARKER.match(line):
            yield read_entry(item)
            item = line
        else:
            item += f"\n{line}"
    yield read_entry(item)


def read_entry(line: str) -> Entry:
    """An entry without the marker of its list, and its date if it begins with one."""
    text = _MARKER.sub("", line, count=1).strip()
    match = _DATE.match(text)
    if match is None:
        return Entry(text)
    return Entry(text[match.end() :], as_moment(match[1]))
