from __future__ import annotations

import uuid
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, viewsets
from rest_framework.response import Response

from accounts.authentication import AuthenticatedRequest
from accounts.permissions import IsPersonalKeyOrReadOnly
from accounts.subjects import SubjectView
from core.api.pagination import EnvelopePagination
from core.errors import Malformed

from .filters import AppFilter
from .models import App
from .models.app import AppQuerySet
from .permissions import AppIsActive
from .serializers import (
    AppDetailSerializer,
    AppSerializer,
    AppUpdatedSerializer,
    AppUpdateSerializer,
)

IN_QUERY = {"true": True, "false": False, "1": True, "0": False}


class AppPages(EnvelopePagination):
    envelope: ClassVar = {"total": "total", "page": "page", "page_size": "size", "apps": "items"}


class AppViewSet(SubjectView, mixins.ListModelMixin, viewsets.GenericViewSet):
    """The programs that remember and recall for a user.

    list: List the apps, with what they put down and read.
    """

    permission_classes = [
        *viewsets.GenericViewSet.permission_classes,
        IsPersonalKeyOrReadOnly,
        AppIsActive,
    ]
    serializer_class = AppSerializer
    filterset_class = AppFilter
    pagination_class = AppPages

    def get_queryset(self) -> AppQuerySet:
        apps = App.objects.owned_by(self.subject)
        return apps.with_counts() if self.action == "list" else apps

    @extend_schema(responses=AppDetailSerializer)
    def retrieve(self, request: AuthenticatedRequest, app_id: uuid.UUID) -> Response:
        """Show an app, with what it put down and read."""
        return Response(
            AppDetailSerializer(self.get_queryset().with_usage().get_by_id(app_id)).data
        )

    @extend_schema(
        request=AppUpdateSerializer,
        responses=AppUpdatedSerializer,
        parameters=[
            OpenApiParameter("is_active", bool, description="In place of the body's `is_active`.")
        ],
    )
    def update(self, request: AuthenticatedRequest, app_id: uuid.UUID) -> Response:
        """Pause an app, or let it go on.

        A paused app reads and writes nothing. What it put down stays.
        """
        given = AppUpdateSerializer(data=self._asked(request))
        given.is_valid(raise_exception=True)
        if "is_active" not in given.validated_data:
            raise Malformed("Say in `is_active` what the app shall be.", field="is_active")
        self.get_queryset().get_by_id(app_id).set_active(given.validated_data["is_active"])
        return Response({"status": "success", "message": "Updated app details successfully"})

    def _asked(self, request: AuthenticatedRequest) -> dict[str, Any]:
        """Join the query and the body: the original's page sends no body, others no query."""
        word = request.query_params.get("is_active")
        if word is None:
            return dict(request.data)
        if word.lower() not in IN_QUERY:
            raise Malformed("Send `true` or `false`.", field="is_active")
        return {"is_active": IN_QUERY[word.lower()], **dict(request.data)}
