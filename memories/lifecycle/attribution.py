"""Attribute a text to its speaker and its conversation.

Fields that the app sends come first, then its metadata. What the text itself says comes last, and
only where it is unambiguous.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from core.visible_text import is_visible
from memories.limits import MAX_NAME

from .transcript import SPEAKING_ROLES

# A line that begins with a label and a colon, which is a wide one in East Asian scripts.
# Further lines of one message are indented.
_LABELLED_LINE = re.compile(
    r"^([^\s:\uff1a][^:\uff1a\r\n]{0,63})(?::[^\S\r\n]+|\uff1a[^\S\r\n]*)(?=\S)", re.MULTILINE
)

# Characters of names other than letters: two more apostrophes, a hyphen, the middle dots between
# the parts of a foreign name, and the joiners of some scripts.
_NAME_PUNCTUATION = frozenset(".-'\u2019\u02bc\u2010\u00b7\u30fb\u200c\u200d")

_PARTICLES = frozenset(
    ["al", "av", "bin", "da", "dal", "de", "del", "della", "den", "der", "di", "do", "dos", "du",
     "e", "el", "ibn", "la", "las", "le", "los", "ten", "ter", "und", "van", "von", "y", "zu"]
)  # fmt: skip

# Labels that are no names, in the languages in most demand. In German every noun begins with a
# capital, and in Chinese no name does: where the form of a word does not tell a label from a name,
# only a list can. A label missing from it becomes an actor, and its memory becomes a neighbour of
# everything said in the same half hour.
LABELS = frozenset(Path(__file__).with_name("labels.txt").read_text(encoding="utf-8").split())

MAX_NAME_WORDS = 5
# Of a name in a script without spaces; anything longer is half a sentence.
MAX_LETTERS_WITHOUT_CASE = 8


def find_actor(
    text: str,
    metadata: Mapping[str, Any],
    *,
    explicit: str | None = None,
    speaker: str | None = None,
) -> str:
    """Find the actor of a text; empty when it is unknown.

    `speaker` is the only speaker of a conversation, empty when there are several, and None where
    the text was not sent as a conversation.
    """
    return (
        explicit
        or _name_or_empty(metadata.get("actor"))
        or (_repeated_speaker(text) if speaker is None else speaker)
    )


def find_conversation(metadata: Mapping[str, Any], *, explicit: str | None = None) -> str:
    """Find the conversation of a text; empty when none is named."""
    run_id = metadata.get("run_id")
    if isinstance(run_id, int | float) and not isinstance(run_id, bool):
        run_id = str(run_id)
    return explicit or _name_or_empty(run_id)


def actor_after_edit(
    actor: str, *, before: str, after: str, is_known: Callable[[str], bool]
) -> str:
    """Find the actor of an edited text.

    The speaker that the new text begins with, if the actor was unknown or came from the old text.
    An actor is never lost because the new text begins with no name.
    """
    if actor in ("", leading_name(before)):
        name = leading_name(after)
        is_speaker = name and (_repeated_speaker(after) or is_known(name))
        return name if is_speaker else actor
    return actor


def leading_name(text: str) -> str:
    """Find the only name that lines of a text begin with, as in a transcript: `Ana: I went.`

    Empty when there are several, or when the first line begins with none. It may be a label, such
    as `Coffee`: see `turns`.
    """
    names = _leading_names(text)
    return names[0] if len(set(names)) == 1 else ""


def _repeated_speaker(text: str) -> str:
    """The only name that lines of a text begin with, if it begins several, as no label does."""
    names = _leading_names(text)
    is_speaker = len(names) > 1 or names[:1] in [[role] for role in SPEAKING_ROLES]
    return names[0] if is_speaker and len(set(names)) == 1 else ""


def _leading_names(text: str) -> list[str]:
    """The names that lines of a text begin with. Empty when the first line begins with none."""
    lines = text.lstrip()
    first = _LABELLED_LINE.match(lines)
    if first is None or not _parse_name(first[1]):
        return []
    names = (_parse_name(match[1]) for match in _LABELLED_LINE.finditer(lines))
    return [name for name in names if name]


def _name_or_empty(value: Any) -> str:
    is_name = isinstance(value, str) and is_visible(value) and len(value) <= MAX_NAME
    return value if is_name else ""


def _parse_name(label: str) -> str:
    """Read the words before a colon as the name of a person; empty when they are none.

    Each word begins with a capital, or is of a script without capitals, and none is a known label.
    Neither `TODO` nor `10` nor `https` looks like a name.
    """
    words = label.split()
    if label in SPEAKING_ROLES:
        return label
    if len(words) > MAX_NAME_WORDS or not any(map(_is_no_initial, words)):
        return ""
    if not all(
        _is_name_word(word) or (index and word in _PARTICLES) for index, word in enumerate(words)
    ):
        return ""
    folded = {unicodedata.normalize("NFC", word.strip(".").casefold()) for word in words}
    return "" if folded & LABELS else " ".join(words)


def _is_no_initial(word: str) -> bool:
    return any(sum(map(str.isalpha, part)) > 1 for part in word.split("."))


def _is_name_word(word: str) -> bool:
    if not word[0].isalpha() or not all(map(_is_name_character, word)):
        return False
    letters = [character for character in word if character.isalpha()]
    # Not `upper`: Georgian has capitals, but no word begins with one.
    if all(character.title() == character.lower() for character in letters):
        return len(letters) <= MAX_LETTERS_WITHOUT_CASE
    is_all_capitals = len(letters) > 1 and all(map(str.isupper, letters)) and "." not in word
    return not letters[0].islower() and not is_all_capitals


def _is_name_character(character: str) -> bool:
    return unicodedata.category(character)[0] in "LM" or character in _NAME_PUNCTUATION
