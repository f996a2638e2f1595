from __future__ import annotations

import uuid
from typing import ClassVar

from django.db.models import Count, Q
from drf_spectacular.utils import extend_schema
from rest_framework import status, viewsets
from rest_framework.response import Response

from accounts.authentication import AuthenticatedRequest
from accounts.permissions import IsPersonalKeyOrReadOnly
from accounts.subjects import USER_ID_PARAMETER, SubjectView
from apps_registry.models import AccessRule, App
from apps_registry.permissions import AppIsActive
from core.api.pagination import EnvelopePagination
from memories.access.rules import create_rule, delete_rule
from memories.models import Memory
from memories.serializers import (
    AppMemorySerializer,
    NewRuleSerializer,
    ReadMemorySerializer,
    RuleSerializer,
)

from .scope import MemoriesOfOneUser


class AppMemoryPages(EnvelopePagination):
    envelope: ClassVar = {
        "total": "total", "page": "page", "page_size": "size", "memories": "items",
    }  # fmt: skip


class AppMemoriesViewSet(MemoriesOfOneUser):
    """What apps put down."""

    pagination_class = AppMemoryPages
    serializer_class = AppMemorySerializer

    @extend_schema(responses=AppMemorySerializer(many=True), parameters=[USER_ID_PARAMETER])
    def list(self, request: AuthenticatedRequest, app_id: uuid.UUID) -> Response:
        """List what an app put down, the newest first.

        In all states but deleted.
        """
        app = App.objects.owned_by(self.subject).get_by_id(app_id)
        memories = self.get_queryset().filter(app=app).undeleted().with_relations()
        page = self.paginate_queryset(memories.order_by("-created_at", "id"))
        return self.get_paginated_response(AppMemorySerializer(page, many=True).data)


class AppReadsViewSet(MemoriesOfOneUser):
    """What apps have read."""

    pagination_class = AppMemoryPages
    serializer_class = ReadMemorySerializer

    @extend_schema(responses=ReadMemorySerializer(many=True), parameters=[USER_ID_PARAMETER])
    def list(self, request: AuthenticatedRequest, app_id: uuid.UUID) -> Response:
        """List what an app has read, the most often read first.

        In all states but deleted.
        """
        app = App.objects.owned_by(self.subject).get_by_id(app_id)
        read = Count("accesses", filter=Q(accesses__app=app))
        memories = self.get_queryset().undeleted().filter(accesses__app=app)
        counted = memories.annotate(access_count=read).order_by("-access_count", "id")
        page = self.paginate_queryset(counted.with_relations())
        return self.get_paginated_response(ReadMemorySerializer(page, many=True).data)


class RuleViewSet(SubjectView, viewsets.GenericViewSet):
    """What apps may read."""

    permission_classes = [
        *viewsets.GenericViewSet.permission_classes,
        IsPersonalKeyOrReadOnly,
        AppIsActive,
    ]
    serializer_class = RuleSerializer

    @extend_schema(responses=RuleSerializer(many=True), parameters=[USER_ID_PARAMETER])
    def list(self, request: AuthenticatedRequest, app_id: uuid.UUID) -> Response:
        """List the rules of an app."""
        rules = AccessRule.objects.filter(app=self._app(app_id)).order_by("created_at", "id")
        page = self.paginate_queryset(rules)
        return self.get_paginated_response(RuleSerializer(page, many=True).data)

    @extend_schema(request=NewRuleSerializer, responses={201: RuleSerializer})
    def create(self, request: AuthenticatedRequest, app_id: uuid.UUID) -> Response:
        """Say whether an app may read a memory, or all.

        Stating a rule again is not an error: the answer is the rule that is there.
        """
        given = NewRuleSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        rule = create_rule(
            app=self._app(app_id),
            effect=given.validated_data["effect"],
            memory_id=given.validated_data.get("memory_id"),
            among=Memory.objects.owned_by(self.subject),
        )
        return Response(RuleSerializer(rule).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None}, parameters=[USER_ID_PARAMETER])
    def destroy(
        self, request: AuthenticatedRequest, app_id: uuid.UUID, rule_id: uuid.UUID
    ) -> Response:
        """Take a rule back."""
        delete_rule(rule_id, app=self._app(app_id))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _app(self, app_id: uuid.UUID) -> App:
        return App.objects.owned_by(self.subject).get_by_id(app_id)
