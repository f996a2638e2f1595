"""Whom a question names, of those who said the candidates."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

# Whose words are written without spaces between, or with endings that are written on: a name can
# begin and end in the midst of what looks like a word.
UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "THAI", "LAO", "KHMER", "MYANMAR")

# "Ana's", "Anas" as in German, "Jonas'".
POSSESSIVE = r"(?:['\u2019]?s|['\u2019])?"


def named_in(question: str, actors: Collection[str]) -> frozenset[str]:
    """Find which of these a question names, in full or by their first or last name.

    A part of a name that somebody else is called in full by names only that one: asked about
    "Ana Silva", nobody thinks of Ana Souza. If the question names all of them, it tells none
    from another, and so names nobody.
    """
    asked = unicodedata.normalize("NFC", question)
    everybody = {actor for actor in actors if actor}
    in_full = {actor for actor in everybody if _says(asked, actor)}
    taken = {part.casefold() for actor in in_full for part in actor.split()}
    in_part = {actor for actor in everybody if _says_part(asked, actor, taken)}
    named = in_full | in_part
    return frozenset() if named == set(actors) else frozenset(named)


def _says_part(asked: str, actor: str, taken: Collection[str]) -> bool:
    first, *_, last = actor.split() * 2
    return any(part.casefold() not in taken and _says(asked, part) for part in {first, last})


def _says(asked: str, name: str) -> bool:
    """Whether a question has this name in it, as a name: "may" is none where others are large."""
    name = unicodedata.normalize("NFC", name)
    if name.casefold() not in asked.casefold():  # much quicker, and true of nearly all
        return False
    if _is_unspaced(name):
        return len(name) > 1
    pattern = rf"(?<!\w){re.escape(name)}{POSSESSIVE}(?!\w)"
    matches = re.finditer(pattern, asked, re.IGNORECASE)
    has_case = name[0].isupper() and any(letter.isupper() for letter in asked[1:])
    return any(not (has_case and match[0][0].islower()) for match in matches)


def _is_unspaced(name: str) -> bool:
    return unicodedata.name(name[0], "").startswith(UNSPACED)
