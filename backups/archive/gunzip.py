"""Decompress a member that is one gzip stream, at most a buffer at a time.

Python's `gzip` reads headers byte by byte and accepts any number of streams, so that a small member
could keep a processor busy.
"""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING

from .errors import BadArchive
from .zip_reader import MemberReader

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CHUNK_BYTES = 64 * 1024
WITH_HEADER = 16 + zlib.MAX_WBITS  # zlib then expects gzip's header, and checks its checksum


def open_gzip(member: MemberReader) -> io.BufferedReader:
    return io.BufferedReader(_GzipStream(member), CHUNK_BYTES)


class _GzipStream(io.RawIOBase):
    """Raises BadArchive for a stream that is broken, truncated, or followed by anything."""

    def __init__(self, member: MemberReader) -> None:
        self._member = member
        self._decoder = zlib.decompressobj(WITH_HEADER)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer)
        while not self._decoder.eof:
            if data := self._decompress(len(view)):
                view[: len(data)] = data
                return len(data)
        if self._decoder.unused_data:
            raise self._error("There is more after the end of the gzip stream.")
        return 0

    def _decompress(self, size: int) -> bytes:
        packed = self._decoder.unconsumed_tail or self._member.read(CHUNK_BYTES)
        try:
            data = self._decoder.decompress(packed, size)
        except zlib.error as error:
            raise self._error(f"The member is damaged: {error}.") from None
        if not packed and not data and not self._decoder.eof:
            raise self._error("The gzip stream is truncated.")
        return data

    def _error(self, detail: str) -> BadArchive:
        return BadArchive(detail, member=self._member.name)
