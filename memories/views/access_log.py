from __future__ import annotations

import uuid
from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from accounts.authentication import AuthenticatedRequest
from accounts.subjects import USER_ID_PARAMETER
from core.api.pagination import EnvelopePagination
from memories.access.history import find_history, load_entries
from memories.search.related import find_related
from memories.serializers import (
    AccessSerializer,
    HistoryEntrySerializer,
    MemoryItemSerializer,
    show_item,
)

from .scope import MemoriesOfOneUser


class AccessLogPagination(EnvelopePagination):
    envelope: ClassVar = {"total": "total", "page": "page", "page_size": "size", "logs": "items"}


class AccessLogViewSet(MemoriesOfOneUser):
    serializer_class = AccessSerializer
    by_id_actions = {"list"}
    pagination_class = AccessLogPagination

    @extend_schema(responses=AccessSerializer(many=True), parameters=[USER_ID_PARAMETER])
    def list(self, request: AuthenticatedRequest, memory_id: uuid.UUID) -> Response:
        """List the accesses to a memory, the newest first."""
        memory = self.get_queryset().one(memory_id)
        accesses = memory.accesses.select_related("app").order_by("-accessed_at", "-id")
        page = self.paginate_queryset(accesses)
        return self.get_paginated_response(AccessSerializer(page, many=True).data)


class HistoryViewSet(MemoriesOfOneUser):
    serializer_class = HistoryEntrySerializer
    by_id_actions = {"list"}

    @extend_schema(responses=HistoryEntrySerializer(many=True), parameters=[USER_ID_PARAMETER])
    def list(self, request: AuthenticatedRequest, memory_id: uuid.UUID) -> Response:
        """List the changes of a memory, the newest first.

        Its text, metadata and state, and memories that replaced it or that it replaced: each with
        who changed it, when, and what it was before.
        """
        memory = self.get_queryset().one(memory_id)
        places = self.paginate_queryset(find_history(memory, reader=self.reader)) or []
        entries = load_entries(places, reader=self.reader)
        self.reader.log([memory], "get")
        return self.get_paginated_response(HistoryEntrySerializer(entries, many=True).data)


class RelatedViewSet(MemoriesOfOneUser):
    serializer_class = MemoryItemSerializer
    by_id_actions = {"list"}
    default_page_size = 5

    @extend_schema(responses=MemoryItemSerializer(many=True), parameters=[USER_ID_PARAMETER])
    def list(self, request: AuthenticatedRequest, memory_id: uuid.UUID) -> Response:
        """List related memories.

        Active memories that share categories with this one: those that share most come first, and
        of equal ones those with the nearest vectors. At most 100.
        """
        memories = self.get_queryset()
        memory = memories.with_relations().one(memory_id)
        related = find_related(memory, among=memories.active().unexpired()).with_relations()
        page = self.paginate_queryset(related) or []
        self.reader.log(page, "related")
        return self.get_paginated_response([show_item(memory) for memory in page])
