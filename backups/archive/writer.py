"""Write an archive from its first byte to its last, without holding a member of it in memory."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import IO

from .manifest import MemberDigest

# Texts shrink nearly as far as at the usual 6, in half the time.
COMPRESSION_LEVEL = 4


class MemberWriter:
    """A file of the archive while it is written."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()
        self._size = 0

    def write(self, data: bytes) -> int:
        self._digest.update(data)
        self._size += len(data)
        return self._stream.write(data)

    def flush(self) -> None:
        """Nothing is held back. `gzip` asks for it of what it writes to."""

    def digest(self) -> MemberDigest:
        return MemberDigest(self._digest.hexdigest(), self._size)


class ArchiveWriter:
    """A ZIP in a file that can be cut: one that could not be finished is taken back.

    Without its manifest, which is its last member, it would pass for one of the original server.
    """

    def __init__(self, target: IO[bytes]) -> None:
        self._target = target
        self._zip = zipfile.ZipFile(
            target, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION_LEVEL
        )
        self.members: dict[str, MemberDigest] = {}

    @contextmanager
    def member(self, name: str, *, compressed: bool = True) -> Iterator[MemberWriter]:
        # How large it becomes is known at its end only, and may be more than 4 GB.
        what = name if compressed else zipfile.ZipInfo(name)
        with self._zip.open(what, "w", force_zip64=True) as stream:
            member = MemberWriter(stream)
            yield member
        self.members[name] = member.digest()

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
