"""The members of a ZIP that comes from outside, read in pieces and counted while they are."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Protocol

from .errors import ArchiveTooLarge, BadArchive
from .format import ENTITIES, LINES, MANIFEST, VECTORS
from .limits import MAX_DIRECTORY_BYTES, MAX_MEMBERS, UnpackBudget
from .manifest import MemberDigest

READ = (ENTITIES, LINES, VECTORS, MANIFEST)

_ENCRYPTED = 0x1
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}

# What zipfile raises for a file that is broken, whichever way.
BROKEN = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, ValueError,
)  # fmt: skip


class Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _ShortReads(io.RawIOBase):
    """A file of which only so much is read at once.

    zipfile reads the directory of a ZIP in one piece, however long it says that it is.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.size = file.seek(0, os.SEEK_END)
        self.bytes_read = 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        # A file raises OSError then, which would be taken for a fault of the disk.
        if whence == os.SEEK_SET and not 0 <= offset <= self.size:
            raise zipfile.BadZipFile("an offset leads out of the file")
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1, /) -> bytes:
        here = self._file.tell()
        wanted = self.size - here if size < 0 else min(size, self.size - here)
        if wanted > MAX_DIRECTORY_BYTES:
            raise ArchiveTooLarge("The directory of this ZIP is too long.")
        data = self._file.read(max(0, wanted))
        self.bytes_read += len(data)
        return data


class MemberReader:
    """A member while it is read. `name` is what the format calls it."""

    def __init__(self, name: str, stream: IO[bytes], budget: UnpackBudget) -> None:
        self.name = name
        self.budget = budget
        self._stream = stream
        self._digest = hashlib.sha256()
        self._size = 0

    def read(self, size: int, /) -> bytes:
        """Read so many bytes at most, none at the end. Raises BadArchive, ArchiveTooLarge."""
        try:
            # zipfile reads what is stored uncompressed in one piece, and the file has short ones.
            data = self._stream.read(min(size, MAX_DIRECTORY_BYTES))
        except BROKEN as error:
            raise BadArchive(f"This is broken: {error}.", member=self.name) from None
        self.budget.spend(len(data), self.name)
        self._digest.update(data)
        self._size += len(data)
        return data

    def read_whole(self, size: int) -> bytes:
        """Read so many bytes, fewer only at the end. Raises as `read` does."""
        pieces = []
        while size and (piece := self.read(size)):
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def digest(self) -> MemberDigest:
        """Of what was read so far: of the whole member once `read` has returned nothing."""
        return MemberDigest(self._digest.hexdigest(), self._size)


class ZipReader:
    """A ZIP with the members of an archive, perhaps in a folder, and perhaps with others."""

    def __init__(self, file: IO[bytes]) -> None:
        """Raises BadArchive and ArchiveTooLarge for what no archive of ours would be."""
        self._file = _ShortReads(file)
        self.size = self._file.size
        self.budget = UnpackBudget.for_archive(self.size)
        try:
            self._zip = zipfile.ZipFile(self._file)
        except BROKEN as error:
            raise BadArchive(f"This is no ZIP file: {error}.") from None
        self._infos = _find_members(self._zip.infolist())

    @property
    def bytes_read(self) -> int:
        """How much of the file was read, of its `size`."""
        return self._file.bytes_read

    def __contains__(self, name: str) -> bool:
        return name in self._infos

    @contextmanager
    def open(self, name: str) -> Iterator[MemberReader]:
        """Read a member. Raises BadArchive when it is not there or broken."""
        info = self._infos.get(name)
        if info is None:
            raise BadArchive(f"{name} is missing in this archive.")
        try:
            stream = self._zip.open(info)
        except BROKEN as error:
            raise BadArchive(f"This is broken: {error}.", member=name) from None
        with stream:
            yield MemberReader(name, stream, self.budget)


def _find_members(infos: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    if len(infos) > MAX_MEMBERS:
        raise ArchiveTooLarge(f"There are more than {MAX_MEMBERS} members in this ZIP.")
    names: set[str] = set()
    found: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        _check_member(info)
        if info.filename in names:
            raise BadArchive("There are two members of this name.", member=info.filename)
        names.add(info.filename)
        name = info.filename.rpartition("/")[2]
        if name not in READ:
            continue
        if name in found:
            raise BadArchive(f"{name} is in this archive twice, in different folders.")
        found[name] = info
    return found


def _check_member(info: zipfile.ZipInfo) -> None:
    name = info.orig_filename
    parts = name.split("/")
    # A name is only compared, and nothing is ever unpacked to it. Who makes such a ZIP means harm.
    if name.startswith("/") or ".." in parts or "\\" in name or ":" in parts[0] or "\0" in name:
        raise BadArchive(
            "A member has a name that leads out of the archive.", member=_printable(name)
        )
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise BadArchive("This is a link or a device, not a file.", member=_printable(name))
    if info.flag_bits & _ENCRYPTED:
        raise BadArchive("This is encrypted: decrypt it first.", member=_printable(name))
    if info.compress_type not in _METHODS:
        raise BadArchive(
            "This is compressed in a way that is not read here.", member=_printable(name)
        )


def _printable(name: str) -> str:
    return name[:100].replace("\0", "\ufffd").encode(errors="replace").decode()
