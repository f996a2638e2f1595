"""Find out who said a text, and in which conversation, from what was sent with it.

An app's own word goes first: what it names, then what it keeps in the metadata. What a text says
by itself comes last, and only where it can hardly mean anything else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from memories.models.memory import MAX_NAME

from .transcript import HEARD

# A line that begins with some words and a colon, which is a wide one in East Asian scripts.
# Further lines of one message are indented.
_LED = re.compile(
    r"^([^\s:\uff1a][^:\uff1a\r\n]{0,63})(?::[^\S\r\n]+|\uff1a[^\S\r\n]*)(?=\S)", re.MULTILINE
)

# What stands in a name beside letters: two more apostrophes, a hyphen, the middle dots between
# the parts of a foreign name, and what joins the letters of some scripts.
_WITHIN = frozenset(".-'\u2019\u02bc\u2010\u00b7\u30fb\u200c\u200d")

_PARTICLES = frozenset(
    ["al", "av", "bin", "da", "dal", "de", "del", "della", "den", "der", "di", "do", "dos", "du",
     "e", "el", "ibn", "la", "las", "le", "los", "ten", "ter", "und", "van", "von", "y", "zu"]
)  # fmt: skip

# Words that people put before a colon to say what follows, in the languages that are asked for
# most. In German every noun begins with a capital, and in Chinese no name does: where the form of
# a word does not tell a label from a name, only a list can. One that is missing there makes an
# actor of what is none, and the memory then stands beside what was said in the same half hour.
LABELS = frozenset(Path(__file__).with_name("labels.txt").read_text(encoding="utf-8").split())

MOST_WORDS = 5
# A name in a script without spaces; what is longer is half a sentence.
MOST_LETTERS_WITHOUT_CASE = 8


def actor_of(
    text: str, metadata: Mapping[str, Any], *, named: str | None = None, speaker: str | None = None
) -> str:
    """Say who said a text; empty when that is not known.

    `speaker` is the only one who speaks in a chat, empty when there are several, and None where
    the text did not come as one.
    """
    said_by = _leading(text) if speaker is None else speaker
    return named or _fitting(metadata.get("actor")) or said_by


def conversation_of(metadata: Mapping[str, Any], *, named: str | None = None) -> str:
    """Say in which conversation something was said; empty when none is named."""
    run = metadata.get("run_id")
    if isinstance(run, int | float) and not isinstance(run, bool):
        run = str(run)
    return named or _fitting(run)


def revised(actor: str, *, before: str, after: str) -> str:
    """Say who said a text that was edited, and was said by this actor before.

    Whom the new text names, where nobody was known or the old text named them. Nobody is
    forgotten because the new text does not name them.
    """
    if actor in ("", _leading(before)):
        return _leading(after) or actor
    return actor


def _leading(text: str) -> str:
    """Find the one name that a text begins with, as a line of a transcript does: `Ana: I went.`"""
    said = text.lstrip()
    first = _LED.match(said)
    if first is None:
        return ""
    names = {name for match in _LED.finditer(said) if (name := _name(match[1]))}
    return _name(first[1]) if len(names) == 1 else ""


def _fitting(value: Any) -> str:
    fits = isinstance(value, str) and value.strip() and len(value) <= MAX_NAME
    return value if fits else ""


def _name(label: str) -> str:
    """Read the words before a colon as somebody's name. Empty when they are none.

    Each begins with a capital, or is of a script that has none, and none is a word that people
    put before a colon to say what follows. Neither `TODO` nor `10` nor `https` looks like one.
    """
    words = label.split()
    if label in HEARD:
        return label
    if len(words) > MOST_WORDS or not any(map(_is_full, words)):
        return ""
    if not all(
        _is_of_name(word) or (number and word in _PARTICLES) for number, word in enumerate(words)
    ):
        return ""
    folded = {unicodedata.normalize("NFC", word.strip(".").casefold()) for word in words}
    return "" if folded & LABELS else " ".join(words)


def _is_full(word: str) -> bool:
    """Whether it is more than initials."""
    return any(sum(map(str.isalpha, part)) > 1 for part in word.split("."))


def _is_of_name(word: str) -> bool:
    if not word[0].isalpha() or not all(map(_may_stand_in_name, word)):
        return False
    letters = [character for character in word if character.isalpha()]
    # Not `upper`: Georgian has capitals, but no word begins with one.
    if all(character.title() == character.lower() for character in letters):
        return len(letters) <= MOST_LETTERS_WITHOUT_CASE
    shouted = len(letters) > 1 and all(map(str.isupper, letters)) and "." not in word
    return not letters[0].islower() and not shouted


def _may_stand_in_name(character: str) -> bool:
    return unicodedata.category(character)[0] in "LM" or character in _WITHIN
