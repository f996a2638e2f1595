"""Read the members of an untrusted ZIP in chunks, and count the bytes."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, ClassVar

from .errors import ArchiveTooLarge, BadArchive
from .format import ENTITIES, LINES, LOG, MANIFEST, VECTORS
from .limits import MAX_DIRECTORY_BYTES, MAX_MEMBERS, UnpackBudget
from .manifest import MemberDigest

ARCHIVE_MEMBERS = (ENTITIES, LINES, LOG, VECTORS, MANIFEST)

_ENCRYPTED = 0x1
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}

# The errors that zipfile raises for a broken file.
BROKEN = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, ValueError,
)  # fmt: skip


class _ShortReads(io.RawIOBase):
    """A file with a limit on what is read at once.

    zipfile reads the directory of a ZIP at once, whatever length the ZIP declares.
    """

    def __init__(self, file: IO[bytes], max_directory: int) -> None:
        self._file = file
        self._max_directory = max_directory
        self.size = file.seek(0, os.SEEK_END)
        self.bytes_read = 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        # A file would raise OSError, which means a fault of the disk.
        if whence == os.SEEK_SET and not 0 <= offset <= self.size:
            raise zipfile.BadZipFile("an offset is outside the file")
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1, /) -> bytes:
        remaining = self.size - self._file.tell()
        length = remaining if size < 0 else min(size, remaining)
        if length > self._max_directory:
            raise ArchiveTooLarge("The directory of the ZIP is too long.")
        data = self._file.read(max(0, length))
        self.bytes_read += len(data)
        return data


class MemberReader:
    """A member while it is read. `name` is its name in the format, without a folder."""

    def __init__(self, name: str, stream: IO[bytes], budget: UnpackBudget) -> None:
        self.name = name
        self.budget = budget
        self._stream = stream
        self._digest = hashlib.sha256()
        self._size = 0

    def read(self, size: int, /) -> bytes:
        """Read at most `size` bytes, none at the end. Raises BadArchive and ArchiveTooLarge."""
        try:
            # zipfile reads an uncompressed member at once, which the file does not allow.
            data = self._stream.read(min(size, MAX_DIRECTORY_BYTES))
        except BROKEN as error:
            raise BadArchive(f"The member is damaged: {error}.", member=self.name) from None
        self.budget.spend(len(data), self.name)
        self._digest.update(data)
        self._size += len(data)
        return data

    def read_whole(self, size: int) -> bytes:
        """Read `size` bytes, fewer only at the end. Raises as `read` does."""
        chunks = []
        while size and (chunk := self.read(size)):
            chunks.append(chunk)
            size -= len(chunk)
        return b"".join(chunks)

    def digest(self) -> MemberDigest:
        """The digest of what has been read so far."""
        return MemberDigest(self._digest.hexdigest(), self._size)


class ZipReader:
    """A ZIP with the members of an archive, which may be in a folder, and beside others."""

    max_members: ClassVar = MAX_MEMBERS
    max_directory: ClassVar = MAX_DIRECTORY_BYTES

    def __init__(self, file: IO[bytes]) -> None:
        """Raises BadArchive and ArchiveTooLarge."""
        self._file = _ShortReads(file, self.max_directory)
        self.size = self._file.size
        self.budget = UnpackBudget.for_archive(self.size)
        try:
            self._zip = zipfile.ZipFile(self._file)
        except BROKEN as error:
            raise BadArchive(f"The file is not a ZIP archive: {error}.") from None
        infos = self._zip.infolist()
        _check_members(infos, self.size, self.max_members)
        self._infos = self.select(infos)

    def select(self, infos: Iterable[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
        """The members that can be read, by name. Raises BadArchive."""
        members: dict[str, zipfile.ZipInfo] = {}
        for info in infos:
            name = info.filename.rpartition("/")[2]
            if name not in ARCHIVE_MEMBERS:
                continue
            if name in members:
                raise BadArchive(f"{name} is in the archive twice, in different folders.")
            members[name] = info
        return members

    @property
    def bytes_read(self) -> int:
        """How many bytes of the file have been read, of its `size`."""
        return self._file.bytes_read

    def __contains__(self, name: str) -> bool:
        return name in self._infos

    @contextmanager
    def open(self, name: str) -> Iterator[MemberReader]:
        """Read a member. Raises BadArchive when it is missing or broken."""
        info = self._infos.get(name)
        if info is None:
            raise BadArchive(f"{name} is missing.")
        try:
            stream = self._zip.open(info)
        except BROKEN as error:
            raise BadArchive(f"The member is damaged: {error}.", member=name) from None
        with stream:
            yield MemberReader(name, stream, self.budget)


def _check_members(infos: Sequence[zipfile.ZipInfo], size: int, max_members: int) -> None:
    """Raises BadArchive and ArchiveTooLarge."""
    if len(infos) > max_members:
        raise ArchiveTooLarge(f"The ZIP has more than {max_members} members.")
    names: set[str] = set()
    for info in infos:
        _check_member(info)
        if info.header_offset + info.compress_size > size:
            raise BadArchive(
                "The member is damaged: it is longer than the file.", member=info.filename
            )
        if info.filename in names:
            raise BadArchive("Two members have this name.", member=info.filename)
        names.add(info.filename)


def _check_member(info: zipfile.ZipInfo) -> None:
    name = info.orig_filename
    parts = name.split("/")
    # Nothing is ever unpacked to a path of this name, but such a ZIP is made to do harm.
    if name.startswith("/") or ".." in parts or "\\" in name or ":" in parts[0] or "\0" in name:
        raise BadArchive("The member's name points outside the archive.", member=_printable(name))
    file_type = stat.S_IFMT(info.external_attr >> 16)
    if file_type not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise BadArchive("The member is a link or a device, not a file.", member=_printable(name))
    if info.flag_bits & _ENCRYPTED:
        raise BadArchive("The member is encrypted: decrypt it first.", member=_printable(name))
    if info.compress_type not in _METHODS:
        raise BadArchive(
            "The compression method of the member is not supported.", member=_printable(name)
        )


def _printable(name: str) -> str:
    return name[:100].replace("\0", "\ufffd").encode(errors="replace").decode()
