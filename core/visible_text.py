"""Which texts show anything: some characters look like nothing at all."""

from __future__ import annotations

import unicodedata

from django.core.exceptions import ValidationError

# Letters and symbols that fonts draw as an empty space: the fillers of Hangul, the Braille pattern
# without dots and the musical note without a head.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800\U0001d159")

# The unassigned characters that Unicode reserves for invisible ones. Others may be new letters or
# emoji, which an older Python does not know.
_RESERVED = (range(0x2060, 0x2070), range(0xFFF0, 0xFFF9), range(0xE0000, 0xE1000))


def is_visible(text: str) -> bool:
    """Whether a text has a character that shows by itself.

    Spaces, control and format characters and combining marks alone do not.
    """
    return any(map(_is_visible_character, text))


def validate_visible(text: str) -> None:
    """For a field of a model or a form, which may be empty. Raises ValidationError."""
    if text and not is_visible(text):
        raise ValidationError("Use at least one character that can be seen.", "invisible")


def _is_visible_character(character: str) -> bool:
    category = unicodedata.category(character)
    if category[0] in "LNPS":
        return character not in _BLANK
    is_unassigned = category == "Cn"
    is_reserved = any(ord(character) in characters for characters in _RESERVED)
    return category == "Co" or (is_unassigned and not is_reserved)
