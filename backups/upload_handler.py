"""Receive an uploaded archive without holding it in memory."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from tempfile import NamedTemporaryFile
from typing import IO, Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.db import connection
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request

from .export import scratch_folder

# With space for the other fields of the form.
MAX_FORM_BYTES: int = settings.IMPORT_MAX_BYTES + 64 * 1024


class ArchiveUpload(UploadedFile):
    """A file that a storage on the same file system moves, and does not copy."""

    def __init__(self, file: IO[bytes], name: str, size: int) -> None:
        super().__init__(file, name, size=size)
        self._path = str(file.name)

    def temporary_file_path(self) -> str:
        return self._path

    def close(self) -> None:
        with suppress(FileNotFoundError):  # a storage has moved it
            super().close()


class ScratchUploadHandler(FileUploadHandler):
    """Write the upload to the scratch folder."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._file: IO[bytes] = NamedTemporaryFile(dir=scratch_folder())  # noqa: SIM115

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._file.write(raw_data)

    def file_complete(self, file_size: int) -> ArchiveUpload:
        self._file.seek(0)
        return ArchiveUpload(self._file, self.file_name or "archive.zip", file_size)

    def upload_interrupted(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()


class ArchiveParser(MultiPartParser):
    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        request: Request = (parser_context or {})["request"]
        request._request.upload_handlers = [ScratchUploadHandler(request._request)]
        # A slow upload must not hold a connection to the database.
        if not connection.in_atomic_block:
            connection.close()
        return super().parse(stream, media_type, parser_context)
