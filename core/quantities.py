"""Numbers with the noun that they count."""

from __future__ import annotations


def with_noun(number: int, noun: str, plural: str = "", *, shown: str = "") -> str:
    """`1 memory`, `2,000 memories`: `shown` is the number where it is written in another way."""
    shown = shown or (f"{number:,}" if type(number) is int else str(number))
    return f"{shown} {noun if shown == '1' else plural or f'{noun}s'}"
