from __future__ import annotations

import uuid

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from accounts.authentication import AuthenticatedRequest
from accounts.subjects import NAMED_USER, AboutOneUser

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


class JobViewSet(AboutOneUser, mixins.ListModelMixin, viewsets.GenericViewSet):
    """What the server does for a user in the background.

    list: List the jobs, the newest first.
    """

    serializer_class = JobSerializer

    def get_queryset(self) -> JobQuerySet:
        jobs = Job.objects.owned_by(self.subject).queued_through(self.request.auth.app_name)
        return jobs.order_by("-created_at", "id")

    @extend_schema(responses=JobSerializer, parameters=[NAMED_USER])
    def retrieve(self, request: AuthenticatedRequest, job_id: uuid.UUID) -> Response:
        """Show a job."""
        return Response(JobSerializer(self.get_queryset().one(job_id)).data)
