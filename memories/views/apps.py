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
from apps_registry.acting_app import get_acting_app
from apps_registry.models import AccessRule, App
from apps_registry.permissions import AppIsActive
from core.api.pagination import EnvelopePagination
from memories.access.reader import Reader
from memories.access.rules import create_rule, delete_rule
from memories.models import Memory
from memories.serializers import (
    AppMemorySerializer,
    NewRuleSerializer,
    ReadMemorySerializer,
    RuleSerializer,
)

from .scope import MemoriesOfOneUser, validate


class AppMemoryPages(EnvelopePagination):
    envelope: ClassVar = {
        "total": "total", "page": "page", "page_size": "size", "memories": "items",
    }  # fmt: skip


class AppMemoriesViewSet(MemoriesOfOneUser):
    """The memories that apps stored."""

    pagination_class = AppMemoryPages
    serializer_class = AppMemorySerializer

    @extend_schema(responses=AppMemorySerializer(many=True), parameters=[USER_ID_PARAMETER])
    def list(self, request: AuthenticatedRequest, app_id: uuid.UUID) -> Response:
        """List the memories that an app stored, newest first.

        In any state except deleted.
        """
        app = App.objects.owned_by(self.subject).get_by_id(app_id)
        memories = self.get_queryset().filter(app=app).undeleted().with_relations()
        page = self.paginate_queryset(memories.order_by("-created_at", "id"))
        return self.get_paginated_response(AppMemorySerializer(page, many=True).data)


class AppReadsViewSet(MemoriesOfOneUser):
    """The memories that apps have read."""

    pagination_class = AppMemoryPages
    serializer_class = ReadMemorySerializer

    @extend_schema(responses=ReadMemorySerializer(many=True), parameters=[USER_ID_PARAMETER])
    def list(self, request: AuthenticatedRequest, app_id: uuid.UUID) -> Response:
        """List the memories that an app has read, the most read first.

        In any state except deleted.
        """
        app = App.objects.owned_by(self.subject).get_by_id(app_id)
        access_count = Count("accesses", filter=Q(accesses__app=app))
        memories = self.get_queryset().undeleted().filter(accesses__app=app)
        memories = memories.annotate(access_count=access_count).order_by("-access_count", "id")
        page = self.paginate_queryset(memories.with_relations())
        return self.get_paginated_response(ReadMemorySerializer(page, many=True).data)


class RuleViewSet(SubjectView, viewsets.GenericViewSet):
    """The access rules of apps."""

    permission_classes = [
        *viewsets.GenericViewSet.permission_classes,
        IsPersonalKeyOrReadOnly,
        AppIsActive,
    ]
    serializer_class = RuleSerializer

    @extend_schema(responses=RuleSerializer(many=True), parameters=[USER_ID_PARAMETER])
    def list(self, request: AuthenticatedRequest, app_id: uuid.UUID) -> Response:
        """List the access rules of an app.

        For a key that is bound to an app, without those about memories that it may not read.
        """
        rules = AccessRule.objects.filter(app=self._get_app(app_id)).order_by("created_at", "id")
        if reading_app := get_acting_app(request.auth, user=self.subject):
            readable = Reader(self.subject, reading_app).memories()
            rules = rules.filter(Q(memory_id=None) | Q(memory_id__in=readable.values("pk")))
        page = self.paginate_queryset(rules)
        return self.get_paginated_response(RuleSerializer(page, many=True).data)

    @extend_schema(request=NewRuleSerializer, responses={201: RuleSerializer})
    def create(self, request: AuthenticatedRequest, app_id: uuid.UUID) -> Response:
        """Allow or deny an app to read a memory, or all memories.

        Creating a rule again is not an error: the response is the existing rule.
        """
        body = validate(NewRuleSerializer, request.data)
        rule = create_rule(
            app=self._get_app(app_id),
            effect=body["effect"],
            memory_id=body.get("memory_id"),
            among=Memory.objects.owned_by(self.subject),
        )
        return Response(RuleSerializer(rule).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None}, parameters=[USER_ID_PARAMETER])
    def destroy(
        self, request: AuthenticatedRequest, app_id: uuid.UUID, rule_id: uuid.UUID
    ) -> Response:
        """Delete an access rule."""
        delete_rule(rule_id, app=self._get_app(app_id))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _get_app(self, app_id: uuid.UUID) -> App:
        return App.objects.owned_by(self.subject).get_by_id(app_id)
