"""Receive uploaded archives without holding them in memory, and without leaving anything behind.

An upload is a file without a name, so it is gone as soon as it is closed, or its process has died.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from tempfile import TemporaryFile
from typing import IO, Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.db import connection
from django.http import HttpRequest, HttpResponse
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request

from core import disk

from .export import scratch_folder
from .upload_turn import upload_turn

# With space for the other fields of the form.
MAX_FORM_BYTES: int = settings.IMPORT_MAX_BYTES + 64 * 1024


class ScratchUploadHandler(FileUploadHandler):
    """Write the upload to the scratch folder. Raises StorageFull at the reserve of the disk."""

    def handle_raw_input(self, *args: Any, **kwargs: Any) -> None:
        _, _, content_length, *_ = args
        disk.require_space(scratch_folder(), content_length)

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        file = TemporaryFile(dir=scratch_folder())  # noqa: SIM115
        self._file: IO[bytes] = _resources(self.request).enter_context(file)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        disk.require_space(self._file.fileno(), len(raw_data))
        self._file.write(raw_data)

    def file_complete(self, file_size: int) -> UploadedFile:
        self._file.seek(0)
        return UploadedFile(self._file, self.file_name or "archive.zip", size=file_size)


class UploadMiddleware:
    """Remove the uploads of a request and end its turn when it ends, however it ends.

    Django closes complete files only; others would take space until they are garbage collected.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with ExitStack() as request.upload_resources:  # type: ignore[attr-defined]
            return self.get_response(request)


def _resources(request: Any) -> ExitStack:
    resources: ExitStack = request.upload_resources
    return resources


def _name_turn(request: Request) -> str:
    """Of whom only one archive is received at a time. An end user is of one account."""
    named, own = request.query_params.get("user_id"), request.auth.user.user_id
    if named in (None, "", own):
        return str(own)
    key: Any = request.auth
    return f"{own}/{named}" if key.names_end_users else str(named)


class ArchiveParser(MultiPartParser):
    """Reads a form with an archive, in the turn of the user whom the query names, or the key's."""

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        request: Request = (parser_context or {})["request"]
        _resources(request._request).enter_context(upload_turn(_name_turn(request)))
        # A slow upload must not hold a connection to the database.
        if not connection.in_atomic_block:
            connection.close()
        return super().parse(stream, media_type, parser_context)
