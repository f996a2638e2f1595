from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from accounts.authentication import AuthenticatedRequest
from accounts.subjects import USER_ID_PARAMETER, SubjectView
from apps_registry.permissions import AppIsActive

from . import files
from .filters import JobFilter
from .models import Job
from .models.job import JobQuerySet
from .serializers import JobSerializer


def accepted(job: Job, request: Request) -> Response:
    """Answer that this will be done: 202, the job, and where to ask for it."""
    return Response(
        JobSerializer(job).data,
        status=status.HTTP_202_ACCEPTED,
        headers={"Location": reverse("job", [job.pk])},
    )


class WhateverItIs(DefaultContentNegotiation):
    """A file is what it is, whatever media type was asked for."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class JobViewSet(SubjectView, mixins.ListModelMixin, viewsets.GenericViewSet):
    """What the server does for a user in the background.

    list: List the jobs, the newest first.

    A key that is bound to an app is shown the jobs that were queued through that app.
    """

    permission_classes = [*viewsets.GenericViewSet.permission_classes, AppIsActive]
    serializer_class = JobSerializer
    filterset_class = JobFilter
    error_statuses: ClassVar = {"download": {"409", "410"}}

    def get_queryset(self) -> JobQuerySet:
        return Job.objects.owned_by(self.subject).queued_through(self.request.auth.app_name)

    @extend_schema(responses=JobSerializer, parameters=[USER_ID_PARAMETER])
    def retrieve(self, request: AuthenticatedRequest, job_id: uuid.UUID) -> Response:
        """Show a job.

        It is finished once its state is `succeeded`, `failed` or `cancelled`.
        """
        return Response(JobSerializer(self.get_queryset().one(job_id)).data)

    @extend_schema(request=None, responses=JobSerializer, parameters=[USER_ID_PARAMETER])
    def cancel(self, request: AuthenticatedRequest, job_id: uuid.UUID) -> Response:
        """Cancel a job.

        One that waits is cancelled at once. One that runs ends at its next step, and may still
        succeed before. One that has ended is refused.
        """
        job = self.get_queryset().one(job_id)
        job.cancel()
        return Response(JobSerializer(job).data)

    @extend_schema(
        responses={
            (200, "application/octet-stream"): OpenApiResponse(OpenApiTypes.BINARY, "The file.")
        },
        parameters=[USER_ID_PARAMETER],
    )
    def download(self, request: AuthenticatedRequest, job_id: uuid.UUID) -> FileResponse:
        """Download the file that a job has made.

        It is kept for a day, unless the operator has chosen otherwise.
        """
        job = self.get_queryset().one(job_id)
        return FileResponse(
            files.open_download(job), as_attachment=True, filename=job.download_name
        )
