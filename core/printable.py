"""Text of users on a terminal or in a log: nothing that moves a cursor or reorders characters.

A raw ESC rewrites what an operator sees, a line break forges a line of a log, and a bidirectional
control shows one text as another.
"""

from __future__ import annotations

import json


def escape_unprintable(text: str, *, keep: str = "") -> str:
    r"""Write characters that do not print as `\x1b`, `\n` or `\u202e`, but those in `keep`."""
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or character in keep
        else character.encode("unicode_escape").decode()
        for character in text
    )


def escape_json(line: str) -> str:
    r"""Write them as JSON does, in a document on one line: it stays the same document."""
    if line.isprintable():
        return line
    return "".join(
        character if character.isprintable() else json.dumps(character)[1:-1] for character in line
    )
