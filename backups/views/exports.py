from __future__ import annotations

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

from accounts.authentication import AuthenticatedRequest
from accounts.permissions import IsPersonalKey
from accounts.subjects import SubjectView
from apps_registry.models import App
from backups.concurrency import archive_slot
from backups.export import archive_filename, export, scratch_folder
from backups.export_queries import ExportFilters
from backups.jobs import enqueue_export
from backups.serializers import ExportSerializer
from core.api.preferences import prefers_async
from jobs.serializers import JobSerializer
from jobs.views import IgnoreAcceptHeader, accepted

ZIP = "application/zip"

PREFER = OpenApiParameter(
    "Prefer",
    str,
    OpenApiParameter.HEADER,
    description="`respond-async` answers at once with a job that does it in the background.",
)


class ArchiveResponse(FileResponse):
    block_size = 64 * 1024


class ExportViewSet(SubjectView, viewsets.GenericViewSet):
    """Take out all that is kept of a user, and put it back."""

    permission_classes = [*SubjectView.permission_classes, IsPersonalKey]
    content_negotiation_class = IgnoreAcceptHeader
    safe_actions: ClassVar = {"export"}
    error_statuses: ClassVar = {"export": {"409"}}
    serializer_class = ExportSerializer

    @extend_schema(
        parameters=[PREFER],
        responses={
            (200, ZIP): OpenApiResponse(OpenApiTypes.BINARY, "The archive."),
            202: OpenApiResponse(JobSerializer, "The job that makes it, to be downloaded there."),
        },
    )
    def export(self, request: AuthenticatedRequest) -> HttpResponseBase:
        """Take out all that is kept of a user, as a ZIP.

        Memories in every state, deleted ones that are not purged yet too, with their categories,
        histories, former contents and vectors, the apps with their settings and rules. Keys are
        never in it. The server is read at one moment: what is written meanwhile is in the archive
        whole or not at all. With very many memories rather send `Prefer: respond-async`.
        """
        given = self.get_serializer(data=request.data)
        given.is_valid(raise_exception=True)
        filters = self._filters(**given.validated_data)
        if prefers_async(request):
            return accepted(enqueue_export(self.subject, filters, by=request.user), request)
        # Made before the first byte is sent: then a failure has a status of its own, and a client
        # that reads slowly holds neither a moment of the database nor a connection to it.
        if not connection.in_atomic_block:
            connection.close()
        with ExitStack() as unless_made:
            target = unless_made.enter_context(TemporaryFile(dir=scratch_folder()))
            with archive_slot(self.subject.pk):
                export(self.subject, target, filters=filters)
            unless_made.pop_all()
        target.seek(0)
        name = archive_filename(self.subject)
        return ArchiveResponse(target, as_attachment=True, filename=name, content_type=ZIP)

    def _filters(
        self,
        *,
        include_vectors: bool,
        app_id: UUID | None = None,
        from_date: datetime | None = None,
        to_date: datetime | None = None,
        **_: Any,
    ) -> ExportFilters:
        """Raises AppNotFound: an archive of nothing would pass for a backup."""
        if app_id is not None:
            App.objects.owned_by(self.subject).get_by_id(app_id)
        return ExportFilters(app_id, from_date, to_date, include_vectors)
