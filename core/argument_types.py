"""Types of command arguments. argparse reports an invalid value and exits with 2."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable

from core.visible_text import is_visible

MAX_NAME_LENGTH = 255  # characters, of an app and of a key


def number(minimum: int, maximum: int | None = None) -> Callable[[str], int]:
    """Return the type of a whole number within these bounds."""
    bounds = f"from {minimum}" if maximum is None else f"from {minimum} to {maximum}"

    def parse(text: str) -> int:
        if not text.isdecimal() or not minimum <= int(text) <= (maximum or int(text)):
            raise ArgumentTypeError(f"must be a number {bounds}")
        return int(text)

    return parse


def name(text: str) -> str:
    """Check the name of an app or a key. An empty one usually comes from an unset variable."""
    if not is_visible(text) or len(text) > MAX_NAME_LENGTH:
        raise ArgumentTypeError(f"must be a name of 1 to {MAX_NAME_LENGTH} characters")
    return text
