from __future__ import annotations

import uuid
from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from accounts.authentication import AuthenticatedRequest
from accounts.subjects import USER_ID_PARAMETER
from core.api.pagination import EnvelopePagination
from memories.access.log import log_accesses
from memories.search.related import related_to
from memories.serializers import AccessSerializer, MemoryItemSerializer

from .scope import MemoriesOfOneUser


class LogPages(EnvelopePagination):
    envelope: ClassVar = {"total": "total", "page": "page", "page_size": "size", "logs": "items"}


class AccessLogViewSet(MemoriesOfOneUser):
    serializer_class = AccessSerializer
    pagination_class = LogPages

    @extend_schema(responses=AccessSerializer(many=True), parameters=[USER_ID_PARAMETER])
    def list(self, request: AuthenticatedRequest, memory_id: uuid.UUID) -> Response:
        """Say who read a memory, and when, the last first."""
        memory = self.get_queryset().one(memory_id)
        accesses = memory.accesses.select_related("app").order_by("-accessed_at", "-id")
        page = self.paginate_queryset(accesses)
        return self.get_paginated_response(AccessSerializer(page, many=True).data)


class RelatedViewSet(MemoriesOfOneUser):
    serializer_class = MemoryItemSerializer
    default_page_size = 5

    @extend_schema(responses=MemoryItemSerializer(many=True), parameters=[USER_ID_PARAMETER])
    def list(self, request: AuthenticatedRequest, memory_id: uuid.UUID) -> Response:
        """Find what else there is about the same themes.

        Active memories that share categories with it: the most first, then the nearest, and 100 of
        them at most.
        """
        memories = self.get_queryset()
        memory = memories.with_relations().one(memory_id)
        related = related_to(memory, among=memories.active()).with_relations()
        page = self.paginate_queryset(related) or []
        if self.acting_app:
            log_accesses(page, app=self.acting_app, access_type="related")
        return self.get_paginated_response(MemoryItemSerializer(page, many=True).data)
