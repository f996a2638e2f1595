"""Read an archive of this server or of the original one, row by row.

Each row is validated by itself, each member against its digest, and the manifest against what was
read. Rows are compared with each other in the database: see `importing.consistency`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import IO, Any, NamedTuple

import msgspec
from numpy.typing import NDArray

from core.api.exception_handler import BadBody
from core.api.parsers import UNIQUE_DECODER, parse_json

from . import vectors
from .chain import ArchivedLine, BrokenChain, LogVerifier
from .columns import Row
from .errors import BadArchive
from .format import ENTITIES, FORMAT, LINES, LOG, MANIFEST, VECTORS, VERSION
from .gunzip import open_gzip
from .json_stream import Item, JsonObjectStream
from .limits import MAX_EMPTY_LINES, MAX_ROW_CHARACTERS, check_count, row_too_long
from .manifest import ArchiveUser, Manifest
from .memory_rows import LineRow
from .rows import LATER_LISTS, LISTS, UserRow
from .zip_reader import MemberReader, ZipReader


class PlacedRow(NamedTuple):
    """A row and its values to stage, its number in its list, from 0, and its line."""

    number: int
    line: int
    row: Row
    values: tuple[Any, ...]


class ArchiveReader:
    """An archive, to be read once.

    Read `entities`, `lines`, `log` and `vectors` to their ends, in this order, then call `finish`.
    All of them raise BadArchive and ArchiveTooLarge.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._zip = ZipReader(file)
        self.size = self._zip.size
        self.manifest = self._manifest()
        self.user: UserRow | None = None
        self.counts: dict[str, int] = dict.fromkeys(LISTS, 0)
        self._owner: tuple[Any, int, str] | None = None

    @property
    def read_so_far(self) -> int:
        """How many bytes of the file have been read, of its `size`."""
        return min(self._zip.bytes_read, self.size)

    def entities(self) -> Iterator[tuple[str, Iterator[PlacedRow]]]:
        """Read `memories.json`: the name of each known list, with its rows.

        `user` is set once all of it has been read.
        """
        with self._zip.open(ENTITIES) as member:
            items = JsonObjectStream(member).items()
            for key, group in groupby(items, key=lambda item: item.key):
                if key == "user":
                    self._read_user(group)
                elif key in LISTS:
                    yield key, self._read_rows(key, group)
                else:
                    for _ in group:
                        pass
            self._verify(member)
        if self.user is None:
            raise BadArchive("`user` is missing.", member=ENTITIES)
        if self._owner and self._owner[0] != self.user.id:
            raise self._other_owner(self._owner[1], self._owner[2])

    def lines(self) -> Iterator[PlacedRow]:
        """Read `memories.jsonl.gz`."""
        with self._zip.open(LINES) as member:
            with open_gzip(member) as unzipped:
                yield from self._read_lines(member, unzipped)
            self._verify(member)

    def log(self) -> None:
        """Read `log.jsonl.gz`, if there is one, and follow its chain from line to line."""
        head = self.manifest and self.manifest.log
        if not head:
            return
        verifier = LogVerifier()
        with self._zip.open(LOG) as member:
            with open_gzip(member) as unzipped:
                for number, line in self._read_log(member, unzipped):
                    with _naming_line(number):
                        verifier.follow(line)
                with _naming_line(None):
                    verifier.finish()
            self._verify(member)
        if verifier.head != head:
            raise BadArchive("`log` is not the end of the log.", member=MANIFEST)

    def vectors(self) -> Iterator[NDArray[Any]]:
        """Read the vectors as `read_records` does; none if the archive has none."""
        space = self.manifest and self.manifest.vectors
        if not space:
            return
        self.counts["vectors"] = 0
        with self._zip.open(VECTORS) as member:
            for records in vectors.read_records(member, space.dimensions):
                self.counts["vectors"] += len(records)
                if self.counts["vectors"] > self.counts["memories"]:
                    memories = self.counts["memories"]
                    detail = f"Record {memories + 1}: there are more vectors than memories."
                    raise BadArchive(detail, member=VECTORS)
                yield records
            self._verify(member)

    def finish(self) -> None:
        """Compare what was read with the manifest."""
        if self.manifest is None or self.user is None:
            return
        if self.manifest.user != ArchiveUser(self.user.id, self.user.user_id):
            raise BadArchive("The user is not that of memories.json.", member=MANIFEST)
        counted = {name for name, count in self.counts.items() if count or name not in LATER_LISTS}
        if missing := counted - self.manifest.counts.keys():
            raise BadArchive(f"There is no count of {', '.join(sorted(missing))}.", member=MANIFEST)
        for name, count in self.manifest.counts.items():
            if self.counts.get(name, 0) != count:
                detail = (
                    f"The count of {name} is {count}, but there are {self.counts.get(name, 0)}."
                )
                raise BadArchive(detail, member=MANIFEST)

    def _manifest(self) -> Manifest | None:
        if MANIFEST not in self._zip:
            if VECTORS in self._zip:
                raise BadArchive(f"{MANIFEST} is missing: {VECTORS} cannot be read without it.")
            return None
        with self._zip.open(MANIFEST) as member:
            body = member.read_whole(MAX_ROW_CHARACTERS + 1)
        if len(body) > MAX_ROW_CHARACTERS:
            raise row_too_long(MANIFEST, 1)
        manifest: Manifest = _convert(_parse_json(body, MANIFEST, 1), Manifest, MANIFEST, 1)
        if manifest.format != FORMAT:
            raise BadArchive(f"`format` is not {FORMAT!r}.", member=MANIFEST)
        if not 1 <= manifest.version <= VERSION:
            detail = (
                f"Version {manifest.version} of the format is not supported: update the server."
            )
            raise BadArchive(detail, member=MANIFEST)
        has_vectors = VECTORS in self._zip
        if has_vectors != (manifest.vectors is not None):
            raise BadArchive(
                f"`vectors` must be present if and only if the archive has {VECTORS}.",
                member=MANIFEST,
            )
        has_log = LOG in self._zip
        if has_log != (manifest.log is not None):
            raise BadArchive(
                f"`log` must be present if and only if the archive has {LOG}.", member=MANIFEST
            )
        optional = ([VECTORS] if has_vectors else []) + ([LOG] if has_log else [])
        for name in (ENTITIES, LINES, *optional):
            if name not in manifest.members:
                raise BadArchive(f"There is no digest of {name}.", member=MANIFEST)
        return manifest

    def _read_user(self, items: Iterator[Item]) -> None:
        for item in items:
            if item.index is not None:
                raise BadArchive("`user` must be an object.", member=ENTITIES, line=item.line)
            self.user = _convert(item.value, UserRow, ENTITIES, item.line)
            _staged_values(self.user, ENTITIES, item.line, item.name)
            if self._owner is None:
                self._owner = (self.user.id, item.line, item.name)

    def _read_rows(self, key: str, items: Iterator[Item]) -> Iterator[PlacedRow]:
        row_type = LISTS[key]
        for item in items:
            if item.index is None:
                raise BadArchive(f"`{key}` must be a list.", member=ENTITIES, line=item.line)
            self._count_row(key, item)
            row = _convert(item.value, row_type, ENTITIES, item.line, item.name)
            self._check_owner(row, item)
            values = _staged_values(row, ENTITIES, item.line, item.name)
            yield PlacedRow(item.index, item.line, row, values)

    def _count_row(self, key: str, item: Item) -> None:
        """Reject a row that the manifest does not count, before anything is done with it."""
        assert item.index is not None  # noqa: S101 - it is of a list
        self.counts[key] = item.index + 1
        check_count(key, item.index + 1, member=ENTITIES, line=item.line)
        counted = self.manifest.counts.get(key) if self.manifest else None
        if counted is not None and item.index >= counted:
            detail = f"{item.name}: {MANIFEST} counts {counted} {key}, and there are more."
            raise BadArchive(detail, member=ENTITIES, line=item.line)

    def _check_owner(self, row: Row, item: Item) -> None:
        """Reject a row of another user: an archive has one user."""
        owner = getattr(row, "user_id", None) or getattr(row, "owner_id", None)
        if owner is None:
            return
        if self._owner is None:
            self._owner = (owner, item.line, item.name)
        elif self._owner[0] != owner:
            raise self._other_owner(item.line, item.name)

    def _other_owner(self, line: int, name: str) -> BadArchive:
        return BadArchive(f"{name} belongs to another user.", member=ENTITIES, line=line)

    def _read_lines(self, member: MemberReader, unzipped: IO[bytes]) -> Iterator[PlacedRow]:
        line = number = 0
        while text := unzipped.readline(MAX_ROW_CHARACTERS + 1):
            line += 1
            member.budget.spend(len(text), LINES, line)
            member.budget.spend_row(LINES, line)
            if len(text) > MAX_ROW_CHARACTERS:
                raise row_too_long(LINES, line)
            if text.isspace():
                if line - number > MAX_EMPTY_LINES:
                    detail = f"There are more than {MAX_EMPTY_LINES} empty lines."
                    raise BadArchive(detail, member=LINES, line=line)
                continue
            number += 1
            if number > self.counts["memories"]:
                detail = f"There are more lines than the {self.counts['memories']} memories."
                raise BadArchive(detail, member=LINES, line=line)
            row = _convert(_parse_json(text, LINES, line), LineRow, LINES, line)
            yield PlacedRow(number - 1, line, row, _staged_values(row, LINES, line))

    def _read_log(
        self, member: MemberReader, unzipped: IO[bytes]
    ) -> Iterator[tuple[int, ArchivedLine]]:
        number = 0
        while text := unzipped.readline(MAX_ROW_CHARACTERS + 1):
            number += 1
            member.budget.spend(len(text), LOG, number)
            member.budget.spend_row(LOG, number)
            if len(text) > MAX_ROW_CHARACTERS:
                raise row_too_long(LOG, number)
            yield number, _convert(_parse_json(text, LOG, number), ArchivedLine, LOG, number)

    def _verify(self, member: MemberReader) -> None:
        """Compare the digest of a member that has been read to its end."""
        if member.read(1):
            raise BadArchive("There is data after its end.", member=member.name)
        if self.manifest is None:
            return
        if self.manifest.members[member.name] != member.digest():
            detail = (
                "The digest differs from that in the manifest: it was changed after the export."
            )
            raise BadArchive(detail, member=member.name)


@contextmanager
def _naming_line(number: int | None) -> Iterator[None]:
    try:
        yield
    except BrokenChain as error:
        raise BadArchive(str(error), member=LOG, line=number) from None


def _parse_json(text: bytes, member: str, line: int) -> Any:
    try:
        return parse_json(text, what="This", decoder=UNIQUE_DECODER)
    except BadBody as error:
        raise BadArchive(error.fault.detail, member=member, line=line) from None


def _staged_values(row: Row, member: str, line: int, name: str = "") -> tuple[Any, ...]:
    try:
        return row.values()
    except ValueError as error:
        prefix = f"{name}: " if name else ""
        raise BadArchive(f"{prefix}{error}.", member=member, line=line) from None


def _convert(value: Any, to: type[Any], member: str, line: int, name: str = "") -> Any:
    try:
        return msgspec.convert(value, to)
    except msgspec.ValidationError as error:
        detail = str(error).replace("`$", f"`{name}" if name else "`")
        raise BadArchive(f"{detail}.".replace("`.", "`"), member=member, line=line) from None
