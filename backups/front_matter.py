"""A memory as a Markdown file: its fields as YAML in front, then its text to the letter.

Each field is on one line, as JSON, which YAML contains. So the file is read again exactly, whatever
its text looks like, and by other programs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

# The first field of a file that this server wrote, with the version of its form.
MARK = "openmemory"
VERSION = 1

# In characters. The largest metadata is shorter, with every character escaped.
MAX_FRONT = 256 * 1024

_FRONT = re.compile(r"\A---[ \t]*\r?\n(.*?)^---[ \t]*\r?(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_FIELD = re.compile(r"([A-Za-z_][A-Za-z0-9_]*): (.+)")
# What YAML refuses, or takes for the end of a line.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def write_note(fields: Mapping[str, Any], text: str) -> str:
    lines = [f"{name}: {_dump(value)}\n" for name, value in {MARK: VERSION, **fields}.items()]
    return f"---\n{''.join(lines)}---\n{text}"


def split_note(note: str) -> tuple[str, str]:
    """The front matter of a file, empty if it has none, and its text."""
    match = _FRONT.match(note, 0, MAX_FRONT)
    return (match[1], note[match.end() :]) if match else ("", note)


def read_fields(front: str) -> dict[str, Any] | None:
    """The fields of front matter that this server wrote, None for any other."""
    fields: dict[str, Any] = {}
    for line in front.split("\n")[:-1]:
        match = _FIELD.fullmatch(line)
        if match is None:
            return None
        try:
            fields[match[1]] = json.loads(match[2])
        except (ValueError, RecursionError):
            return None
    return fields if MARK in fields else None


def _dump(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
