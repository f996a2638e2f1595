"""Which speakers of the candidates a query names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

# Scripts without spaces between words, or with endings written on to them: a name can begin and
# end in the middle of what looks like a word.
UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "THAI", "LAO", "KHMER", "MYANMAR")

# "Ana's", "Anas" as in German, "Jonas'".
POSSESSIVE = r"(?:['\u2019]?s|['\u2019])?"


def find_named(query: str, actors: Collection[str]) -> frozenset[str]:
    """Find which actors a query names, in full or by their first or last name.

    A part of a name belongs only to the actors whom the query names in full with it: "Ana Silva"
    does not name Ana Souza. A query that names all actors does not tell them apart, and so names
    none.
    """
    query = unicodedata.normalize("NFC", query)
    known_actors = {actor for actor in actors if actor}
    in_full = {actor for actor in known_actors if _names(query, actor)}
    taken_parts = {part.casefold() for actor in in_full for part in actor.split()}
    in_part = {actor for actor in known_actors if _names_part(query, actor, taken_parts)}
    matches = in_full | in_part
    return frozenset() if matches == set(actors) else frozenset(matches)


def _names_part(query: str, actor: str, taken_parts: Collection[str]) -> bool:
    first, *_, last = actor.split() * 2
    return any(part.casefold() not in taken_parts and _names(query, part) for part in {first, last})


def _names(query: str, name: str) -> bool:
    """Whether a query has this name as a name: in a query with capitals, "may" is not May."""
    name = unicodedata.normalize("NFC", name)
    if name.casefold() not in query.casefold():  # much quicker, and true of nearly all
        return False
    if _is_unspaced(name):
        return len(name) > 1
    pattern = rf"(?<!\w){re.escape(name)}{POSSESSIVE}(?!\w)"
    matches = re.finditer(pattern, query, re.IGNORECASE)
    has_case = name[0].isupper() and any(letter.isupper() for letter in query[1:])
    return any(not (has_case and match[0][0].islower()) for match in matches)


def _is_unspaced(name: str) -> bool:
    return unicodedata.name(name[0], "").startswith(UNSPACED)
