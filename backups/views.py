from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import ExitStack
from datetime import datetime
from tempfile import TemporaryFile
from typing import Any, ClassVar
from uuid import UUID

from django.db import connection
from django.http import FileResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import viewsets
from rest_framework.response import Response

from accounts.authentication import AuthenticatedRequest
from accounts.end_users import store_end_user
from accounts.permissions import IsPersonalKey
from accounts.subjects import SubjectView, require_stored
from apps_registry.models import App
from core.api.preferences import prefers_async
from core.errors import Malformed
from jobs.serializers import JobSerializer
from jobs.views import IgnoreAcceptHeader, accepted
from memories.metadata_filter import MetadataFilter

from .concurrency import archive_slot
from .export import archive_filename, export, scratch_folder
from .export_queries import ExportFilters
from .importing import Mode, dry_run_import, import_archive
from .jobs import ExportFormat, enqueue_export, enqueue_import
from .markdown_export import export_markdown, markdown_filename
from .serializers import ExportSerializer, ImportResultSerializer, ImportSerializer
from .upload_handler import MAX_FORM_BYTES, ArchiveParser

ZIP = "application/zip"

PREFER = OpenApiParameter(
    "Prefer",
    str,
    OpenApiParameter.HEADER,
    description="`respond-async` runs it as a background job and returns the job.",
)
MODE = OpenApiParameter(
    "mode", str, enum=[str(mode) for mode in Mode], description="The same as the field of the form."
)
DRY_RUN = OpenApiParameter(
    "dry_run", str, enum=["true", "false"], description="The same as the field of the form."
)


class ArchiveResponse(FileResponse):
    block_size = 64 * 1024


class ExportViewSet(SubjectView, viewsets.GenericViewSet):
    """Export and import all the data of a user."""

    permission_classes = [*SubjectView.permission_classes, IsPersonalKey]
    content_negotiation_class = IgnoreAcceptHeader
    safe_actions: ClassVar = {"export"}
    keyed_actions: ClassVar = {"export"}
    slow_actions: ClassVar = {"export"}
    error_statuses: ClassVar = {"export": {"409"}}
    serializer_class = ExportSerializer

    @extend_schema(
        parameters=[PREFER],
        responses={
            (200, ZIP): OpenApiResponse(OpenApiTypes.BINARY, "The archive."),
            202: OpenApiResponse(JobSerializer, "The job, whose download is the archive."),
        },
    )
    def export(self, request: AuthenticatedRequest) -> HttpResponseBase:
        """Export all the data of a user as a ZIP.

        The archive has memories in every state, including deleted ones that are not purged yet,
        with their categories, histories, previous contents and embeddings, and the apps with their
        settings and access rules. It never has keys. It is a snapshot: concurrent writes are in it
        whole or not at all. Send `Prefer: respond-async` if the user has very many memories.
        """
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        filters = self._filters(**serializer.validated_data)
        require_stored(self.subject)  # an empty archive would pass for a backup
        export_format = ExportFormat(serializer.validated_data["format"])
        if prefers_async(request):
            job = enqueue_export(
                self.subject, filters, by=request.user, export_format=export_format
            )
            return accepted(job, request)
        # Completed before the first byte is sent: a failure has its own status, and a slow client
        # holds neither a snapshot nor a connection to the database.
        if not connection.in_atomic_block:
            connection.close()
        with ExitStack() as close_on_error:
            target = close_on_error.enter_context(TemporaryFile(dir=scratch_folder()))
            is_markdown = export_format == ExportFormat.MARKDOWN
            with archive_slot(self.subject.pk):
                (export_markdown if is_markdown else export)(self.subject, target, filters=filters)
            close_on_error.pop_all()
        target.seek(0)
        name = (markdown_filename if is_markdown else archive_filename)(self.subject)
        return ArchiveResponse(target, as_attachment=True, filename=name, content_type=ZIP)

    def _filters(
        self,
        *,
        include_vectors: bool,
        app_id: UUID | None = None,
        from_date: datetime | None = None,
        to_date: datetime | None = None,
        metadata: MetadataFilter | None = None,
        **_: Any,
    ) -> ExportFilters:
        """Raises AppNotFound: an empty archive would pass for a backup."""
        if app_id is not None:
            App.objects.owned_by(self.subject).get_by_id(app_id)
        return ExportFilters(app_id, from_date, to_date, include_vectors, metadata)


class ImportViewSet(SubjectView, viewsets.GenericViewSet):
    permission_classes = [*SubjectView.permission_classes, IsPersonalKey]
    parser_classes = [ArchiveParser]
    max_body_bytes = MAX_FORM_BYTES
    slow_actions: ClassVar = {"restore"}
    query_fields: ClassVar = {"restore": {"mode", "dry_run"}}
    serializer_class = ImportSerializer
    error_statuses: ClassVar = {"restore": {"409"}}

    @extend_schema(
        parameters=[MODE, DRY_RUN, PREFER],
        responses={200: ImportResultSerializer, 202: JobSerializer},
    )
    def restore(self, request: AuthenticatedRequest) -> Response:
        """Import an archive of this server or of the original one.

        The import is atomic. For memories that exist already, `overwrite` takes content, state,
        metadata, categories and times from the archive, and `skip` leaves them unchanged. Importing
        the same file again changes nothing. The data of another user gets new ids. An error in the
        file is reported with its member and line, and nothing is changed. With `dry_run`, nothing
        is changed either, and the response has the counts of what an import would do. Send
        `Prefer: respond-async` if the archive has very many memories.
        """
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        form, subject = serializer.validated_data, self.subject
        mode = Mode(self._choice("mode", form, Mode, ignored={None, ""}) or Mode.OVERWRITE)
        dry_run = self._choice("dry_run", form, ("true", "false")) == "true"
        if dry_run:
            require_stored(subject)
        else:
            store_end_user(subject)
        if prefers_async(request):
            job = enqueue_import(form["file"], subject, mode, by=request.user, dry_run=dry_run)
            return accepted(job, request)
        run = dry_run_import if dry_run else import_archive
        with archive_slot(subject.pk):
            result = run(form["file"], user=subject, mode=mode, by=request.user)
        return Response(ImportResultSerializer(result).data)

    def _choice(
        self,
        name: str,
        form: dict[str, str],
        choices: Iterable[str],
        *,
        ignored: Collection[str | None] = (None,),
    ) -> str | None:
        """The value of a field, which may be in the query, in the form, or equal in both."""
        values = {self.request.GET.get(name), form.get(name)}.difference(ignored)
        if not values <= set(choices):
            raise Malformed(f"`{name}` must be `{'` or `'.join(choices)}`.", field=name)
        if len(values) > 1:
            raise Malformed(f"The query and the form disagree about `{name}`.", field=name)
        return values.pop() if values else None
