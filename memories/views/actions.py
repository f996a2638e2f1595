from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from accounts.authentication import AuthenticatedRequest
from accounts.subjects import USER_ID_PARAMETER
from memories.access.known_categories import list_categories
from memories.filters import sort_memories
from memories.lifecycle.states import change_state_of
from memories.models import State, UserCategory
from memories.models.memory import MemoryQuerySet
from memories.search import Filters
from memories.serializers import (
    CategoriesSerializer,
    CategorySerializer,
    FilterSerializer,
    MemoryItemSerializer,
    MessageSerializer,
    PauseSerializer,
    SelectionSerializer,
    show_item,
)

from .scope import AS_OF, INCLUDE_EXPIRED, MemoriesOfOneUser, PastPages, validate


class MemoryActionsViewSet(MemoriesOfOneUser):
    """Actions of users on their memories."""

    pagination_class = PastPages
    default_page_size = 10
    past_actions = {"filter", "categories"}
    safe_actions = {"filter", "categories"}
    array_actions = {"archive"}
    by_id_actions = {"archive", "pause"}
    query_fields = {"filter": ("include_expired",), "categories": ("as_of",)}
    serializer_class = MemoryItemSerializer

    @extend_schema(
        request=FilterSerializer,
        responses=MemoryItemSerializer(many=True),
        parameters=[INCLUDE_EXPIRED],
    )
    def filter(self, request: AuthenticatedRequest) -> Response:
        """List active and paused memories.

        `show_archived` adds archived ones.
        """
        body = self.read_body(FilterSerializer)
        pagination = PastPages()
        with self.reader.reading():
            memories = self.reader.listed(self._filter(body).with_relations())
            page = pagination.paginate(memories, body, default_size=self.default_page_size)
            items = [show_item(memory) for memory in page]
        return self.answer_past(pagination.get_paginated_response(items))

    def _filter(self, body: Mapping[str, Any]) -> MemoryQuerySet:
        memories = self.get_queryset().managed(archived=body["show_archived"])
        memories = Filters(
            app_ids=body.get("app_ids") or (),
            actors=body.get("actors") or (),
            conversations=body.get("conversations") or (),
            from_date=body.get("from_date"),
            to_date=body.get("to_date"),
            metadata=body.get("metadata"),
        ).apply(memories)
        if body.get("search_query"):
            memories = memories.containing(body["search_query"])
        if body.get("category_ids"):
            own = UserCategory.objects.categories(self.subject, body["category_ids"])
            memories = memories.in_categories_by_id(own)
        return sort_memories(
            memories, column=body.get("sort_column"), direction=body.get("sort_direction")
        )

    @extend_schema(
        request=SelectionSerializer,
        responses=MessageSerializer,
        parameters=[USER_ID_PARAMETER],
    )
    def archive(self, request: AuthenticatedRequest) -> Response:
        """Archive several memories.

        Calls are atomic. Archived memories are kept, but no longer listed or searched. Either
        `memory_ids` or `filters`, with a key that has the `read` scope, select them. The body may
        also be a JSON array of ids, with `user_id` in the query.
        """
        data = {"memory_ids": request.data} if isinstance(request.data, list) else request.data
        body = validate(SelectionSerializer, data)
        if "filters" in body:
            return self.answer_change(State.ARCHIVED, self.select(body))
        ids = set(body["memory_ids"])
        change_state_of(ids, State.ARCHIVED, among=self.get_queryset(), by=request.user)
        return Response({"message": f"Successfully archived {len(ids)} memories"})

    @extend_schema(request=PauseSerializer, responses=MessageSerializer)
    def pause(self, request: AuthenticatedRequest) -> Response:
        """Pause, resume or archive memories.

        `state` is the target state. Exactly one of `memory_ids`, `category_ids`, `app_id`,
        `filters` and `global_pause` selects memories of the user. Calls are atomic. `active` with
        any but `memory_ids` resumes paused memories only; archived ones stay archived. `filters`
        take a key with the `read` scope.
        """
        body = self.read_body(PauseSerializer)
        return self.answer_change(State(body["state"]), self.select(body))

    @extend_schema(
        responses=CategoriesSerializer,
        parameters=[USER_ID_PARAMETER, AS_OF],
    )
    def categories(self, request: AuthenticatedRequest) -> Response:
        """List the categories of the user's memories.

        Categories that only deleted memories have are left out.
        """
        with self.reader.reading():
            categories = list_categories(self.reader)
            items = CategorySerializer(categories, many=True).data
        return self.answer_past(Response({"categories": items, "total": len(categories)}))
