"""A file of another product, which is not trusted: a ZIP, or one file by itself."""

from __future__ import annotations

import codecs
import os
import re
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from typing import IO, Any, ClassVar, NoReturn

from backups.archive.errors import ArchiveTooLarge, BadArchive
from backups.archive.json_stream import Item, JsonObjectStream
from backups.archive.limits import UnpackBudget
from backups.archive.zip_reader import MemberReader, ZipReader
from core.errors import Malformed, OpenMemoryError

from .values import as_moment

MAX_TEXT_CHARACTERS = 8 * 1024 * 1024  # of one file of text
MAX_LINE_CHARACTERS = 2 * 1024 * 1024
ITEMS_SEEN = 1_000  # of the beginning of an object

_CHUNK_BYTES = 64 * 1024
_ZIP = (b"PK\3\4", b"PK\5\6", b"PK\7\10")
# What Macs and editors add to folders.
_HIDDEN = re.compile(r"(^|/)(\.|__MACOSX/)")


class WrongSource(Malformed):
    """The file is not from this product, or from none that can be read."""

    code: ClassVar[str] = "wrong_source"

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail, field="file")


class JsonStream(JsonObjectStream):
    """A conversation of a year is one item."""

    max_characters: ClassVar = 16 * 1024 * 1024
    max_brackets: ClassVar = 512 * 1024


class FolderZip(ZipReader):
    """A ZIP of any files: a folder of notes, or an export with thousands of pictures."""

    max_members: ClassVar = 200_000
    max_directory: ClassVar = 64 * 1024 * 1024

    def select(self, infos: Iterable[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
        self.times: dict[str, tuple[int, ...]] = {}
        members = {}
        for info in infos:
            if not info.is_dir() and not _HIDDEN.search(info.filename):
                members[info.filename] = info
                self.times[info.filename] = info.date_time
        return members


class SourceFile:
    """`names` are those of its members. A file by itself has one member, whatever its name."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        """Raises BadArchive and ArchiveTooLarge."""
        self.size = file.seek(0, os.SEEK_END)
        file.seek(0)
        self.is_zip = file.read(4) in _ZIP
        self._file = file
        self._fault: OpenMemoryError | None = None
        self._zip = FolderZip(file) if self.is_zip else None
        self._budget = self._zip.budget if self._zip else UnpackBudget.for_archive(self.size)
        self.name = name.replace("\\", "/").rpartition("/")[2] or "file"
        self.names = [*self._zip.times] if self._zip else [self.name]

    @property
    def bytes_read(self) -> int:
        return min(self._zip.bytes_read if self._zip else self._file.tell(), self.size)

    def find(self, pattern: str) -> list[str]:
        """The members whose path in the ZIP ends with a pattern, in the order of their names."""
        if self._zip is None:
            return self.names
        ending = re.compile(f"(?:^|/)(?:{pattern})$", re.IGNORECASE)
        return sorted(name for name in self.names if ending.search(name))

    def modified_at(self, name: str) -> datetime | None:
        """When a member of a ZIP was last changed, by a clock that the ZIP does not name."""
        if self._zip is None:
            return None
        year, month, day, *time = self._zip.times[name]
        return as_moment(f"{year:04}-{month:02}-{day:02}T" + ":".join(f"{it:02}" for it in time))

    @contextmanager
    def open(self, name: str) -> Iterator[MemberReader]:
        """Raises BadArchive."""
        if self._zip is not None:
            with self._zip.open(name) as member:
                yield member
        else:
            self._file.seek(0)
            yield MemberReader(name, self._file, self._budget)

    def values(self, name: str) -> Iterator[Item]:
        """The items of a list of JSON, or the values of lines. Raises BadArchive."""
        with self.open(name) as member:
            yield from JsonStream(member).values()

    def items(self, name: str) -> Iterator[Item]:
        """The members of an object of JSON, and of lists the items. Raises BadArchive."""
        with self.open(name) as member:
            yield from JsonStream(member).items()

    def peek(self, name: str) -> Any:
        """The first item of a list of JSON; the first members of an object, of lists one item.

        None for what is no JSON.
        """
        beginning = self._beginning(name)
        members: dict[str, Any] = {}
        try:
            if beginning.startswith("["):
                return next((item.value for item in self.values(name)), None)
            if not beginning.startswith("{"):
                return None
            for item in islice(self.items(name), ITEMS_SEEN):
                members.setdefault(item.key, item.value if item.index is None else [item.value])
        except (BadArchive, ArchiveTooLarge) as error:
            self._fault = error
            return members or None
        return members

    def refuse(self, detail: str) -> NoReturn:
        """Raise WrongSource, or what is wrong with the JSON of which nothing was recognized."""
        raise self._fault or WrongSource(detail)

    def _beginning(self, name: str) -> str:
        with self.open(name) as member:
            return member.read(1024).decode("utf-8-sig", errors="replace").lstrip()

    def text(self, name: str) -> str:
        """The whole text of a member to the letter. Raises BadArchive and ArchiveTooLarge."""
        parts, length = [], 0
        for part in self._decoded(name):
            length += len(part)
            if length > MAX_TEXT_CHARACTERS:
                detail = f"The file has more than {MAX_TEXT_CHARACTERS:,} characters."
                raise ArchiveTooLarge(detail, member=name)
            parts.append(part)
        return "".join(parts)

    def lines(self, name: str) -> Iterator[str]:
        """The lines of a member, with their ends. Raises BadArchive and ArchiveTooLarge."""
        rest, number = "", 0
        for part in self._decoded(name):
            *whole, rest = (rest + part).split("\n")
            for line in whole:
                number += 1
                self._budget.spend_row(name, number)
                yield line + "\n"
            if len(rest) > MAX_LINE_CHARACTERS:
                detail = f"The line is longer than {MAX_LINE_CHARACTERS:,} characters."
                raise ArchiveTooLarge(detail, member=name, line=number + 1)
        if rest:
            yield rest

    def _decoded(self, name: str) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder("utf-8")()
        number, is_first = 1, True
        with self.open(name) as member:
            while True:
                chunk = member.read(_CHUNK_BYTES)
                try:
                    part = decoder.decode(chunk, final=not chunk)
                except UnicodeDecodeError:
                    detail = "This is not UTF-8: save the file as UTF-8."
                    raise BadArchive(detail, member=name, line=number) from None
                if "\0" in part:
                    number += part[: part.index("\0")].count("\n")
                    raise BadArchive("The text has a NUL.", member=name, line=number)
                number += part.count("\n")
                yield part.removeprefix("\ufeff") if is_first else part
                is_first = False
                if not chunk:
                    return
