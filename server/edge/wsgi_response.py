"""Call the WSGI application in a thread, and take its response to pieces for the event loop."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO, Any

import structlog

from .limits import RESPONSE_MEMORY_BYTES
from .scratch import scratch_folder

log = structlog.get_logger(__name__)

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Headers = list[tuple[bytes, bytes]]
# Sends a status, headers and chunks.
Stream = Callable[[int, Headers, Iterator[bytes]], None]


@dataclass(frozen=True)
class FilePart:
    """Bytes of an open file, which has its own descriptor."""

    descriptor: int
    start: int
    end: int

    def read(self, offset: int, size: int) -> bytes:
        return os.pread(self.descriptor, min(size, self.end - offset), offset)

    def close(self) -> None:
        os.close(self.descriptor)


@dataclass(frozen=True)
class Response:
    status: int
    headers: Headers
    body: bytes | FilePart


class FileWrapper:
    """What `wsgi.file_wrapper` makes of an application's file."""

    def __init__(self, file: IO[bytes], block_size: int = 8192) -> None:
        self.file, self.block_size = file, block_size

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self.file.read(self.block_size), b"")

    def close(self) -> None:
        self.file.close()

    def detach(self) -> FilePart | None:
        """Return the rest of the file independently of it. None if it is no file of the system."""
        try:
            descriptor, start = self.file.fileno(), self.file.tell()
        except (AttributeError, OSError):
            return None
        return FilePart(os.dup(descriptor), start, os.fstat(descriptor).st_size)


def call(application: Application, environ: dict[str, Any], stream: Stream) -> Response | None:
    """Return the response of the application, None for one in chunks that `stream` has sent.

    The application has then finished with the request, and holds no thread and no database
    connection while the client reads.
    """
    status, headers = 500, Headers()

    def start_response(line: str, pairs: list[tuple[str, str]], exc_info: Any = None) -> None:
        nonlocal status, headers
        status = int(line[:3])
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]

    result = application({**environ, "wsgi.file_wrapper": FileWrapper}, start_response)
    try:
        if getattr(result, "streaming", False):
            stream(status, headers, iter(result))
            return None
        body = result.detach() if isinstance(result, FileWrapper) else None
        return Response(status, headers, body or _store(b"".join(result)))
    finally:
        if hasattr(result, "close"):
            result.close()


def _store(content: bytes) -> bytes | FilePart:
    """Write a large response to a file: many clients may take long to read theirs."""
    if len(content) <= RESPONSE_MEMORY_BYTES:
        return content
    try:
        with TemporaryFile(dir=scratch_folder()) as file:
            file.write(content)
            file.flush()
            return FilePart(os.dup(file.fileno()), 0, len(content))
    except OSError as error:
        log.warning("a response stays in memory: the disk cannot take it", reason=str(error))
        return content
