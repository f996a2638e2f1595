from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response
from rest_framework.reverse import reverse

from accounts.authentication import AuthenticatedRequest, authenticate_again
from apps_registry.acting_app import get_acting_app, get_writing_app
from core.api.preferences import wait_seconds
from jobs.wait import wait
from memories.access.readable import NewestFirst, load_one
from memories.access.shown import load_shown
from memories.change_log.as_of import Part
from memories.filters import MemoryFilterSet
from memories.lifecycle.remember import Event, StoredMemory, remember
from memories.lifecycle.revise import Edit, revise
from memories.lifecycle.states import delete
from memories.models import State
from memories.models.memory import MemoryQuerySet
from memories.search import Cutoffs, Filters, search
from memories.serializers import (
    MemoryItemSerializer,
    MemorySerializer,
    MessageSerializer,
    NewMemorySerializer,
    PatchSerializer,
    RevisionSerializer,
    SearchResultsSerializer,
    SearchSerializer,
    SelectionSerializer,
    StoredMemorySerializer,
    build_edit,
    build_new_memory,
    build_replacement,
    show,
    show_item,
    show_written,
)

from .scope import AS_OF, INCLUDE_EXPIRED, MemoriesOfOneUser, PastPages

# The most seconds that a request waits for the language model.
MAX_WAIT = 60

PREFER = OpenApiParameter(
    "Prefer",
    str,
    OpenApiParameter.HEADER,
    description="`wait=10` waits up to 10 seconds for the job that extracts facts, at most 60.",
)


# The query parameters with which a list is not all that is active, the newest first.
FILTERS = MemoryFilterSet.base_filters.keys() - {"user_id"}


class MemoryViewSet(MemoriesOfOneUser):
    """The memories of a user.

    list: List memories.

    Active memories only, newest first by default.
    """

    serializer_class = MemoryItemSerializer
    filterset_class = MemoryFilterSet
    pagination_class = PastPages
    default_page_size = 50
    past_actions = {"list", "retrieve", "search"}
    safe_actions = {"search"}
    conditional_actions = {"update", "partial_update", "destroy"}
    tagged_actions = {"create", "update", "partial_update"}
    slow_actions = {"create", "update", "partial_update"}
    by_id_actions = {"create", "retrieve", "update", "partial_update", "destroy", "destroy_many"}
    query_fields = {"retrieve": ("include_expired", "as_of"), "search": ("include_expired",)}

    def get_queryset(self) -> MemoryQuerySet:
        memories = super().get_queryset()
        return memories.active().with_relations() if self.action == "list" else memories

    def list(self, request: AuthenticatedRequest) -> Response:
        with self.reader.reading():
            is_plain = self.reader.past is None and FILTERS.isdisjoint(request.query_params)
            memories: Any = (
                NewestFirst(self.reader) if is_plain else self.filter_queryset(self.get_queryset())
            )
            listed: Any = memories if is_plain else self.reader.listed(memories)
            page = self.paginate_queryset(listed)
            items = [show_item(memory) for memory in page or ()]
        self.reader.log(page or (), "list")
        return self.answer_past(self.get_paginated_response(items))

    @extend_schema(
        request=NewMemorySerializer, responses=StoredMemorySerializer, parameters=[PREFER]
    )
    def create(self, request: AuthenticatedRequest) -> Response:
        """Store a text or a conversation as a memory.

        The memory is durable and searchable when the response arrives. If a language model is
        configured, a background job then extracts facts: the first replaces the content of this
        memory, the others become new memories, and memories that they contradict are archived.
        With `Prefer: wait=10` the request waits up to 10 seconds for this job, at most 60, and the
        response shows the memory as it is then. An immutable text is stored as it is.

        A key without the `read` scope is answered only `id`, `event` and `job`.
        """
        body = self.read_body(NewMemorySerializer)
        app = get_writing_app(request.auth, user=self.subject, app_name=body.get("app"))
        new = build_new_memory(body)
        stored = remember(new, user=self.subject, app=app, by=request.user, key=request.auth)
        response = self._show_stored(stored)
        if stored.job and (seconds := wait_seconds(request, at_most=MAX_WAIT)):
            self.publish(response, seconds=seconds)
            wait(stored.job, seconds)
            authenticate_again(request)
            memory = load_shown(stored.memory.pk, app=app)
            response = self._show_stored(replace(stored, memory=memory))
        return response

    def _show_stored(self, stored: StoredMemory) -> Response:
        job = reverse("job", [stored.job.pk]) if stored.job else None
        answer = show_written(stored.memory, stored.event, job=job, key=self.request.auth)
        return self.answer_tagged(answer, stored.memory)

    @extend_schema(responses=MemorySerializer, parameters=[INCLUDE_EXPIRED, AS_OF])
    def retrieve(self, request: AuthenticatedRequest, memory_id: uuid.UUID) -> Response:
        """Retrieve a memory, in any state.

        An expired one is shown to its user, with or without `include_expired`, until it is purged.
        With `as_of`, it is answered as it was then, and without an `ETag`: 404 if it was not there
        yet, or has been purged since.
        """
        with self.reader.reading(Part.FEW):
            memory = load_one(memory_id, self.reader)
            shown = show(memory)
        self.reader.log([memory], "get")
        return self.answer_read(shown, memory)

    @extend_schema(request=RevisionSerializer, responses=MemorySerializer)
    def update(self, request: AuthenticatedRequest, memory_id: uuid.UUID) -> Response:
        """Replace the content of a memory, and with `metadata` also its metadata.

        Its embedding and categories are updated. What it was before stays in its history. A key
        without the `read` scope is answered only `id`, `event` (`UPDATE`) and `job` (null).
        """
        return self._revise(memory_id, build_replacement(self.read_body(RevisionSerializer)))

    @extend_schema(request=PatchSerializer, responses=MemorySerializer)
    def partial_update(self, request: AuthenticatedRequest, memory_id: uuid.UUID) -> Response:
        """Change some fields of a memory, all at once.

        Fields that are left out stay as they are; `metadata` is merged. A new text is embedded and,
        without `categories`, categorized again. What it was before stays in its history. A patch
        that changes nothing writes nothing. An expired memory is brought back by a later
        `expires_at`, or null, and not edited without it; an immutable one is edited once
        `immutable` is false. A key without the `read` scope is answered only `id`, `event`
        (`UPDATE`) and `job` (null).
        """
        return self._revise(memory_id, build_edit(self.read_body(PatchSerializer)))

    def _revise(self, memory_id: uuid.UUID, edit: Edit) -> Response:
        key, memories = self.request.auth, self.get_queryset()
        memory = revise(
            memory_id, edit, among=memories, by=key.user, precondition=self.read_precondition()
        )
        if key.can_read:
            return self.answer_tagged(show(memory), memory)
        return Response(show_written(memory, Event.UPDATE, job=None, key=key))

    @extend_schema(request=None, responses=MessageSerializer)
    def destroy(self, request: AuthenticatedRequest, memory_id: uuid.UUID) -> Response:
        """Delete a memory.

        It disappears from all lists and searches at once. Deleting it again is not an error.
        """
        memories, precondition = self.get_queryset(), self.read_precondition()
        delete(memory_id, among=memories, by=request.user, precondition=precondition)
        return Response({"message": "Successfully deleted memory"})

    @extend_schema(request=SelectionSerializer, responses=MessageSerializer)
    def destroy_many(self, request: AuthenticatedRequest) -> Response:
        """Delete several memories.

        Calls are atomic: with one unknown id, the response is 404 and nothing is deleted. Either
        `memory_ids` or `filters` select them; `filters` leave archived memories, and take a key
        with the `read` scope.
        """
        body = self.read_body(SelectionSerializer)
        if "filters" in body:
            return self.answer_change(State.DELETED, self.select(body))
        ids = set(body["memory_ids"])
        self.get_queryset().exactly(ids).change_state(State.DELETED, by=request.user)
        return Response({"message": f"Successfully deleted {len(ids)} memories"})

    @extend_schema(
        request=SearchSerializer,
        responses=SearchResultsSerializer,
        parameters=[INCLUDE_EXPIRED],
        filters=False,
    )
    def search(self, request: AuthenticatedRequest) -> Response:
        """Search memories.

        Hybrid search by vectors and keywords, with boosts for speakers named in the query and for
        matching neighbours. Returns active memories, the best first. Every result, and every
        memory shown as context, is added to its access log. If the embedding provider does not
        answer, the search uses keywords alone. Where no memory is likely to answer, there are no
        results, and `nothing_fits` is true: `min_score: 0` returns the nearest all the same.
        """
        body = self.read_body(SearchSerializer)
        app = get_acting_app(request.auth, user=self.subject, app_name=body.get("app"))
        result = search(
            body["query"],
            reader=self.read_as(app),
            asker=replace(self.reader, sees_expired=True),
            cutoffs=Cutoffs(body["top_k"], body.get("threshold"), body.get("min_score")),
            filters=Filters(**(body.get("filters") or {})),
            at=body.get("at"),
            explain=body["explain"],
            missing=body.get("explain_missing") or (),
            context=body["include_context"],
        )
        with self.reader.showing():
            shown = SearchResultsSerializer(result).data
        return self.answer_past(Response(shown))
