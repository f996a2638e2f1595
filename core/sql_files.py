"""Named statements in `.sql` files, which lie beside the modules that run them.

A line `-- name: insert_apps` begins a statement, a line `-- fragment: taken` a part of statements.
`$taken` is replaced by that fragment, or by one that the caller passes. Comments on lines of their
own are not sent to the database.
"""

from __future__ import annotations

import re
from pathlib import Path
from string import Template

_HEADER = re.compile(r"^-- (name|fragment): (\w+)\n", re.MULTILINE)
_COMMENT = re.compile(r"^ *--.*\n", re.MULTILINE)


def load_statements(*paths: Path, **fragments: str) -> dict[str, str]:
    """Read the statements of files by name, with the fragments filled in.

    A fragment comes before the statements that use it, in the same file or an earlier one. Raises
    KeyError for one that is missing, ValueError for a name that is taken.
    """
    statements: dict[str, str] = {}
    texts = dict(fragments)
    for path in paths:
        for kind, name, body in _split(path):
            if name in texts or name in statements:
                raise ValueError(f"{path} has the name {name}, which is taken.")
            text = Template(body).substitute(texts)
            (statements if kind == "name" else texts)[name] = text
    return statements


def _split(path: Path) -> list[tuple[str, str, str]]:
    _, *parts = _HEADER.split(path.read_text(encoding="utf-8"))
    bodies = [_COMMENT.sub("", body).strip() for body in parts[2::3]]
    return list(zip(parts[::3], parts[1::3], bodies, strict=True))
