"""Write an archive from its first byte to its last, with no member in memory."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import IO

from core import disk

from .manifest import MemberDigest

# Texts become nearly as small as at the usual level of 6, in half the time.
COMPRESSION_LEVEL = 4
# Bytes between two looks at the free space.
CHECK_BYTES = 1024 * 1024


class MemberWriter:
    """A member while it is written. Raises StorageFull at the reserve of its disk."""

    def __init__(self, stream: IO[bytes], check_space: Callable[[], None]) -> None:
        self._stream = stream
        self._check_space = check_space
        self._digest = hashlib.sha256()
        self._size = 0

    def write(self, data: bytes) -> int:
        self._digest.update(data)
        if self._size % CHECK_BYTES < len(data):
            self._check_space()
        self._size += len(data)
        return self._stream.write(data)

    def flush(self) -> None:
        """Do nothing: nothing is buffered. `gzip` calls it."""

    def digest(self) -> MemberDigest:
        return MemberDigest(self._digest.hexdigest(), self._size)


class ArchiveWriter:
    """A ZIP in a file, which is truncated if the archive cannot be completed.

    An incomplete one has no manifest, the last member, and would pass for one of the original
    server.
    """

    def __init__(self, target: IO[bytes]) -> None:
        self._target = target
        self._zip = zipfile.ZipFile(
            target, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION_LEVEL
        )
        self.members: dict[str, MemberDigest] = {}

    @contextmanager
    def member(self, name: str, *, compressed: bool = True) -> Iterator[MemberWriter]:
        info = name if compressed else zipfile.ZipInfo(name)
        # The size is known only at the end, and may be more than 4 GB.
        with self._zip.open(info, "w", force_zip64=True) as stream:
            member = MemberWriter(stream, self._check_space)
            yield member
        self.members[name] = member.digest()

    def _check_space(self) -> None:
        if not isinstance(self._target, io.BytesIO):
            disk.require_space(self._target.fileno())

    def __enter__(self) -> ArchiveWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._zip.close()
        finally:
            if error is not None:
                self._target.seek(0)
                self._target.truncate()
