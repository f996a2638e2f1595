"""What to say about a field that is not known: the nearest known one, or where it belongs."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches

from .problems import MAX_FAULTS, UNKNOWN_FIELD, Fault

# Longer names are compared with no other: comparing takes time.
MAX_NAME_LENGTH = 64
SIMILARITY = 0.6
MAX_NAMES_LISTED = 20

_PUNCTUATION = re.compile(r"[\W_]+")

Places = Mapping[str, str]


def find_nearest(
    name: str, known: Collection[str], *, similarity: float = SIMILARITY
) -> str | None:
    """Find the known name that was probably meant: case and punctuation do not matter."""
    if len(name) > MAX_NAME_LENGTH:
        return None
    by_letters = {_letters(each): each for each in reversed([*known])}
    matches = get_close_matches(_letters(name), by_letters, n=1, cutoff=similarity)
    return by_letters[matches[0]] if matches else None


def explain_unknown(name: str, known: Collection[str], *, elsewhere: Places | None = None) -> str:
    """Say in a sentence or two that a name is not known, and what to send instead.

    `elsewhere` maps names that are known in another place to that place: "inside `filters`".
    """
    elsewhere = elsewhere or {}
    if name in elsewhere:
        return f"`{name}` is not known here. It belongs {elsewhere[name]}."
    nearest = find_nearest(name, [*known, *elsewhere])
    if nearest is None:
        return f"`{name}` is not known. {list_known(known)}"
    place = f" {elsewhere[nearest]}" if nearest not in known else ""
    return f"`{name}` is not known. Did you mean `{nearest}`{place}?"


def list_known(known: Collection[str]) -> str:
    names = ", ".join(f"`{name}`" for name in [*known][:MAX_NAMES_LISTED])
    return f"Known: {names}." if names else "There are no fields to send here."


def unknown_faults(
    names: Collection[str],
    known: Collection[str],
    *,
    loc: tuple[str | int, ...],
    elsewhere: Places | None = None,
) -> list[Fault]:
    """Return a fault for each of the names that is not known, up to the number reported."""
    unknown = [name for name in names if name not in known]
    return [
        Fault((*loc, name), UNKNOWN_FIELD, explain_unknown(name, known, elsewhere=elsewhere))
        for name in unknown[:MAX_FAULTS]
    ]


def _letters(name: str) -> str:
    return _PUNCTUATION.sub("", name.casefold())
