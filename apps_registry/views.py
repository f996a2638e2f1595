from __future__ import annotations

import uuid
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, viewsets
from rest_framework.response import Response

from accounts.authentication import AuthenticatedRequest
from accounts.permissions import IsPersonalKeyOrReadOnly
from accounts.subjects import SubjectView
from core.api.filters import BOOLEANS
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


class AppPages(EnvelopePagination):
    envelope: ClassVar = {"total": "total", "page": "page", "page_size": "size", "apps": "items"}


class AppViewSet(SubjectView, mixins.ListModelMixin, viewsets.GenericViewSet):
    """The apps that store and search memories of a user.

    list: List the apps, with their counts of memories stored and read.
    """

    permission_classes = [
        *viewsets.GenericViewSet.permission_classes,
        IsPersonalKeyOrReadOnly,
        AppIsActive,
    ]
    serializer_class = AppSerializer
    filterset_class = AppFilter
    pagination_class = AppPages
    query_fields: ClassVar = {"update": {"is_active"}}

    def get_queryset(self) -> AppQuerySet:
        apps = App.objects.owned_by(self.subject)
        if self.action == "list":
            return apps.with_counts(readable_by=self.get_restricted_app())
        return apps

    def get_restricted_app(self) -> App | None:
        """The app of the key, if rules restrict what it reads: it is not told of the rest."""
        apps = App.objects.owned_by(self.subject)
        return apps.restricted(name=self.request.auth.app_name)

    @extend_schema(responses=AppDetailSerializer)
    def retrieve(self, request: AuthenticatedRequest, app_id: uuid.UUID) -> Response:
        """Retrieve an app, with its counts of memories stored and read."""
        apps = self.get_queryset().with_usage(readable_by=self.get_restricted_app())
        return Response(AppDetailSerializer(apps.get_by_id(app_id)).data)

    @extend_schema(
        request=AppUpdateSerializer,
        responses=AppUpdatedSerializer,
        parameters=[
            OpenApiParameter(
                "is_active", bool, description="Alternative to `is_active` in the body."
            )
        ],
    )
    def update(self, request: AuthenticatedRequest, app_id: uuid.UUID) -> Response:
        """Pause or resume an app.

        A paused app cannot read or write. The memories that it stored remain.
        """
        serializer = AppUpdateSerializer(data=self._query_and_body(request))
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data
        if "is_active" not in values:
            raise Malformed("`is_active` is required.", field="is_active")
        self.get_queryset().get_by_id(app_id).set_active(values["is_active"])
        return Response({"status": "success", "message": "Updated app details successfully"})

    def _query_and_body(self, request: AuthenticatedRequest) -> dict[str, Any]:
        """Merge the query and the body: the original's page sends no body, others no query."""
        value = request.query_params.get("is_active")
        if value is None:
            return dict(request.data)
        if value.lower() not in BOOLEANS:
            raise Malformed("Send `true` or `false`.", field="is_active")
        return {"is_active": BOOLEANS[value.lower()], **dict(request.data)}
