"""What commands take, checked as it is read: the answer names the argument, and the code is 2."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable

MAX_NAME_LENGTH = 255  # characters, of an app and of a key


def number(least: int, most: int | None = None) -> Callable[[str], int]:
    """A whole number within these bounds."""
    bounds = f"from {least}" if most is None else f"from {least} to {most}"

    def read(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= (most or int(text)):
            raise ArgumentTypeError(f"it is a number {bounds}")
        return int(text)

    return read


def name(text: str) -> str:
    """The name of an app or a key. An empty one is that of a variable that was not set."""
    if not 1 <= len(text.strip()) <= len(text) <= MAX_NAME_LENGTH:
        raise ArgumentTypeError(f"it is a name of 1 to {MAX_NAME_LENGTH} characters")
    return text
