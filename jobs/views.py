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
from accounts.models import Scope
from accounts.subjects import USER_ID_PARAMETER, SubjectView, requested_user_id
from apps_registry.permissions import AppIsActive

from . import files
from .filters import JobFilter
from .models import Job
from .models.job import JobQuerySet
from .serializers import JobSerializer


def accepted(job: Job, request: Request) -> Response:
    """Return 202 Accepted with the job, and its URL in the `Location` header."""
    return Response(
        JobSerializer(job).data,
        status=status.HTTP_202_ACCEPTED,
        headers={"Location": reverse("job", [job.pk])},
    )


class IgnoreAcceptHeader(DefaultContentNegotiation):
    """Send a file in its own media type, whatever the `Accept` header asks for."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class JobViewSet(SubjectView, mixins.ListModelMixin, viewsets.GenericViewSet):
    """The background jobs of a user.

    list: List jobs, newest first.

    A key that is bound to an app sees only the jobs that were enqueued through that app.
    """

    # A key without the scope `read` follows the job that its request enqueued.
    actions_of_any_scope: ClassVar = {"retrieve"}

    permission_classes = [*viewsets.GenericViewSet.permission_classes, AppIsActive]
    serializer_class = JobSerializer
    filterset_class = JobFilter
    bodiless_actions: ClassVar = {"cancel"}
    error_statuses: ClassVar = {"download": {"409", "410"}}

    def get_queryset(self) -> JobQuerySet:
        """The jobs of the subject.

        An operator gets one by its id alone: its URL is part of what a request for a user returns.
        So does a key that names end users, if it is one of theirs.
        """
        key = self.request.auth
        is_named = requested_user_id(self.request) is not None
        if self.action != "list" and not is_named:
            if key.has_operator_rights:
                return Job.objects.all()
            if key.names_end_users:
                return Job.objects.of_account(key.user).visible_to(key.app_name)
        return Job.objects.owned_by(self.subject).visible_to(key.app_name)

    @extend_schema(responses=JobSerializer, parameters=[USER_ID_PARAMETER])
    def retrieve(self, request: AuthenticatedRequest, job_id: uuid.UUID) -> Response:
        """Retrieve a job.

        A job has finished when its state is `succeeded`, `failed` or `cancelled`. An operator sees
        the jobs of all users. A key without the scope `read` sees no `result`.
        """
        job = self.get_queryset().one(job_id)
        can_read = Scope.READ in request.auth.scopes
        return Response({**JobSerializer(job).data, **({} if can_read else {"result": None})})

    @extend_schema(request=None, responses=JobSerializer, parameters=[USER_ID_PARAMETER])
    def cancel(self, request: AuthenticatedRequest, job_id: uuid.UUID) -> Response:
        """Cancel a job.

        A queued job is cancelled at once. A running job stops at its next step, unless it succeeds
        first. For a finished job the response is 409 `job_finished`.
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
        """Download the file that a job made.

        The server keeps it for a day, unless the operator configured another period.
        """
        job = self.get_queryset().one(job_id)
        return FileResponse(
            files.open_download(job), as_attachment=True, filename=job.download_name
        )
