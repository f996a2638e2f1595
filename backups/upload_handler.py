"""Receive uploaded archives without holding them in memory, and without leaving anything behind.

An upload is a file without a name, so it is gone as soon as it is closed, or its process has died.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from tempfile import TemporaryFile
from typing import IO, Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.db import connection
from django.http import HttpRequest, HttpResponse
from rest_framework.parsers import MultiPartParser

from core import disk

from .export import scratch_folder

# With space for the other fields of the form.
MAX_FORM_BYTES: int = settings.IMPORT_MAX_BYTES + 64 * 1024


class ScratchUploadHandler(FileUploadHandler):
    """Write the upload to the scratch folder. Raises StorageFull at the reserve of the disk."""

    def __init__(self, request: HttpRequest | None = None) -> None:
        super().__init__(request)
        self._files: list[IO[bytes]] = []

    def handle_raw_input(self, *args: Any, **kwargs: Any) -> None:
        _, _, content_length, *_ = args
        disk.require_space(scratch_folder(), content_length)

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._files.append(TemporaryFile(dir=scratch_folder()))  # noqa: SIM115

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        file = self._files[-1]
        disk.require_space(file.fileno(), len(raw_data))
        file.write(raw_data)

    def file_complete(self, file_size: int) -> UploadedFile:
        self._files[-1].seek(0)
        return UploadedFile(self._files[-1], self.file_name or "archive.zip", size=file_size)

    def close(self) -> None:
        """Close all files, and so remove them."""
        for file in self._files:
            file.close()


class UploadMiddleware:
    """Remove the uploads of a request when it ends, however it ends.

    Django closes complete ones only; the others would take space until they are garbage collected.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            return self.get_response(request)
        finally:
            for handler in getattr(request, "_upload_handlers", ()):
                if isinstance(handler, ScratchUploadHandler):
                    handler.close()


class ArchiveParser(MultiPartParser):
    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        # A slow upload must not hold a connection to the database.
        if not connection.in_atomic_block:
            connection.close()
        return super().parse(stream, media_type, parser_context)
