"""Plain text: memories in paragraphs, as a list, or on a line each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from importers.source import Record
from importers.source_file import SourceFile
from importers.text_pieces import entries
from importers.values import digest

_FILES = r"[^/]+\.(txt|text)"


class PlainText:
    name: ClassVar = "text"
    title: ClassVar = "plain text"
    files: ClassVar = "a text, or a ZIP of files named .txt: paragraphs, items of lists, or lines"

    def detects(self, file: SourceFile) -> bool:
        if file.is_zip:
            return bool(file.find(_FILES))
        return file.name.lower().endswith((".txt", ".text")) and not isinstance(
            file.peek(file.name), dict | list
        )

    def read(self, file: SourceFile) -> Iterator[Record]:
        for name in file.find(_FILES):
            for number, entry in enumerate(entries(file.text(name)), 1):
                yield Record(
                    entry.text,
                    digest(entry.text),
                    created_at=entry.said_at or file.modified_at(name),
                    metadata={"file": name[-255:]} if file.is_zip else {},
                    place=f"{name}, entry {number}",
                )
