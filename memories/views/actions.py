from __future__ import annotations

import uuid

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from accounts.authentication import AuthenticatedRequest
from accounts.subjects import USER_ID_PARAMETER
from core.api.pagination import EnvelopePagination
from memories.filters import sort
from memories.lifecycle.states import Selection, change_state, change_state_of
from memories.models import Category, State
from memories.search import Filters
from memories.serializers import (
    CategoriesSerializer,
    CategorySerializer,
    FilterSerializer,
    MemoryIdsSerializer,
    MemoryItemSerializer,
    MessageSerializer,
    PauseSerializer,
)

from .scope import MemoriesOfOneUser

DONE = {State.ACTIVE: "resumed", State.PAUSED: "paused", State.ARCHIVED: "archived"}


class ManagingViewSet(MemoriesOfOneUser):
    """What a person does with what is remembered about them."""

    default_page_size = 10
    safe_actions = {"filter", "categories"}
    array_actions = {"archive"}
    serializer_class = MemoryItemSerializer

    @extend_schema(request=FilterSerializer, responses=MemoryItemSerializer(many=True))
    def filter(self, request: AuthenticatedRequest) -> Response:
        """List the memories that a person manages.

        Active and paused ones, and archived ones with `show_archived`.
        """
        given = self.read_body(FilterSerializer)
        memories = self.get_queryset().managed(archived=given["show_archived"])
        memories = Filters(
            app_ids=given.get("app_ids") or (),
            actors=given.get("actors") or (),
            conversations=given.get("conversations") or (),
            from_date=given.get("from_date"),
            to_date=given.get("to_date"),
        ).apply(memories)
        if given.get("search_query"):
            memories = memories.filter(content__icontains=given["search_query"])
        if given.get("category_ids"):
            memories = memories.in_categories_by_id(given["category_ids"])
        memories = sort(
            memories, column=given.get("sort_column"), direction=given.get("sort_direction")
        )
        pages = EnvelopePagination()
        page = pages.paginate(memories.with_relations(), given, default_size=self.default_page_size)
        return pages.get_paginated_response(MemoryItemSerializer(page, many=True).data)

    @extend_schema(
        request=MemoryIdsSerializer,
        responses=MessageSerializer,
        parameters=[USER_ID_PARAMETER],
    )
    def archive(self, request: AuthenticatedRequest) -> Response:
        """Archive several memories, all or none.

        They leave every list and search, and are kept. The body may also be the bare list of
        ids, with `user_id` in the query.
        """
        ids = set(self._archived_ids(request))
        change_state_of(ids, State.ARCHIVED, among=self.get_queryset(), by=request.user)
        return Response({"message": f"Successfully archived {len(ids)} memories"})

    @extend_schema(request=PauseSerializer, responses=MessageSerializer)
    def pause(self, request: AuthenticatedRequest) -> Response:
        """Pause memories, or resume or archive them.

        Exactly one of `memory_ids`, `category_ids`, `app_id` and `global_pause` picks them, all
        of them the user's own. Resuming by category, app or `global_pause` brings back what is
        paused, not what is archived.
        """
        given = self.read_body(PauseSerializer)
        state = State(given["state"])
        selection = Selection(
            memory_ids=given.get("memory_ids"),
            category_ids=given.get("category_ids"),
            app_id=given.get("app_id"),
            everything=given["global_pause"],
        )
        changed = change_state(
            state, selection, user=self.subject, among=self.get_queryset(), by=request.user
        )
        return Response({"message": f"Successfully {DONE[state]} {changed} memories"})

    @extend_schema(
        responses=CategoriesSerializer,
        parameters=[USER_ID_PARAMETER],
    )
    def categories(self, request: AuthenticatedRequest) -> Response:
        """List the categories of the user's memories.

        Deleted memories do not count.
        """
        memories = self.get_queryset().undeleted()
        categories = list(Category.objects.of(self.subject, memories).order_by("name"))
        shown = CategorySerializer(categories, many=True).data
        return Response({"categories": shown, "total": len(categories)})

    def _archived_ids(self, request: AuthenticatedRequest) -> list[uuid.UUID]:
        asked = {"memory_ids": request.data} if isinstance(request.data, list) else request.data
        given = MemoryIdsSerializer(data=asked)
        given.is_valid(raise_exception=True)
        ids: list[uuid.UUID] = given.validated_data["memory_ids"]
        return ids
