"""A table as CSV: a memory in each row, in a column that is named so."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from backups.archive.errors import ArchiveTooLarge, BadArchive
from importers.source import Record
from importers.source_file import SourceFile
from importers.values import as_dict, as_moment, digest, present

_FILES = r"[^/]+\.(csv|tsv)"
MAX_COLUMNS = 100

# The first of these names that a table has is the column.
TEXT = ("text", "memory", "content", "note")
KEY = ("id", "key", "uuid")
CREATED = ("created_at", "created", "date", "time", "timestamp")
UPDATED = ("updated_at", "updated", "modified")
CATEGORIES = ("categories", "category", "tags")
APP = ("app",)
METADATA = ("metadata",)
ACTOR = ("actor", "author")
CONVERSATION = ("conversation", "conversation_id")
_ALL = (TEXT, KEY, CREATED, UPDATED, CATEGORIES, APP, METADATA, ACTOR, CONVERSATION)


class CsvTable:
    name: ClassVar = "csv"
    title: ClassVar = "CSV"
    files: ClassVar = f"a table whose first row names a column {', '.join(TEXT[:-1])} or {TEXT[-1]}"

    def detects(self, file: SourceFile) -> bool:
        names = file.find(_FILES)
        if len(names) != 1 or file.is_zip or not names[0].lower().endswith((".csv", ".tsv")):
            return False
        try:
            return _pick(_read_header(next(file.lines(names[0]), ""))[0], TEXT) is not None
        except (BadArchive, ArchiveTooLarge):
            return False

    def read(self, file: SourceFile) -> Iterator[Record]:
        [name, *others] = file.find(_FILES) or [""]
        if not name or others:
            file.refuse("Send one table: a file named .csv or .tsv.")
        lines = file.lines(name)
        header, delimiter = _read_header(next(lines, ""))
        if _pick(header, TEXT) is None:
            file.refuse(f"The first row names no column {' or '.join(TEXT)}.")
        if len(header) > MAX_COLUMNS:
            file.refuse(f"The table has more than {MAX_COLUMNS} columns.")
        yield from _read_rows(csv.reader(lines, delimiter=delimiter, strict=True), header, name)


def _read_header(line: str) -> tuple[list[str], str]:
    """The names of the columns, and what is between them."""
    delimiter = max(",;\t", key=line.count)
    try:
        names = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return [], delimiter
    return [name.strip() for name in names], delimiter


def _pick(header: Sequence[str], names: Sequence[str]) -> int | None:
    lowered = [name.lower() for name in header]
    return next((lowered.index(name) for name in names if name in lowered), None)


def _read_rows(rows: Any, header: Sequence[str], name: str) -> Iterator[Record]:
    columns = [_pick(header, names) for names in _ALL]
    others = [at for at in range(len(header)) if at not in columns and header[at]]
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            detail = f"The row is no CSV: {error}."
            raise BadArchive(detail, member=name, line=rows.line_num + 1) from None
        if row is None:
            return
        place = f"{name}, line {rows.line_num + 1}"
        if len(row) > len(header):
            raise BadArchive("The row has more cells than the first one.", member=place)
        cells = [row[at] if at is not None and at < len(row) else "" for at in columns]
        rest = {header[at]: row[at] for at in others if at < len(row) and row[at]}
        yield _read_row(cells, rest, place)


def _read_row(cells: Sequence[str], rest: dict[str, str], place: str) -> Record:
    text, key, created, updated, categories, app, metadata, actor, conversation = cells
    created_at = as_moment(created)
    return Record(
        text,
        f"id {key.strip()}" if key.strip() else digest(text),
        app=app.strip(),
        created_at=created_at,
        updated_at=as_moment(updated),
        categories=_split(categories),
        metadata={
            **_read_metadata(metadata),
            **rest,
            **present(date="" if created_at else created.strip()),
        },
        actor=actor.strip(),
        conversation=conversation.strip(),
        place=place,
    )


def _split(cell: str) -> list[str]:
    names = cell.strip("[]").replace(";", ",").split(",")
    return [name.strip().strip("\"'") for name in names if name.strip().strip("\"'")]


def _read_metadata(cell: str) -> dict[str, Any]:
    """An object of JSON; any other text under its own name."""
    try:
        value = as_dict(json.loads(cell))
    except (ValueError, RecursionError):
        value = {}
    return value or present(metadata=cell.strip())
