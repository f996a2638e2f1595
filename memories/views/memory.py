from __future__ import annotations

import uuid

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response
from rest_framework.reverse import reverse

from accounts.authentication import AuthenticatedRequest
from apps_registry.acting_app import get_acting_app, get_writing_app
from core.api.preferences import wait_seconds
from jobs.wait import wait
from memories.access.reader import Reader
from memories.filters import ListFilter
from memories.lifecycle.remember import remember
from memories.lifecycle.revise import revise
from memories.models import Memory, State
from memories.models.memory import MemoryQuerySet
from memories.search import Filters, search
from memories.serializers import (
    MemoryIdsSerializer,
    MemoryItemSerializer,
    MemorySerializer,
    MessageSerializer,
    NewMemorySerializer,
    RememberedSerializer,
    RevisionSerializer,
    SearchResultsSerializer,
    SearchSerializer,
    build_new_memory,
    show,
)

from .scope import MemoriesOfOneUser

# Seconds that a request waits for the language model at most, when asked to.
MAX_PATIENCE = 60

PREFER = OpenApiParameter(
    "Prefer",
    str,
    OpenApiParameter.HEADER,
    description="`wait=10` waits for the facts, so many seconds at most.",
)


class MemoryViewSet(MemoriesOfOneUser):
    """What apps remember about a user.

    list: List the memories that an app reads.

    Active ones only, newest first unless sorted otherwise.
    """

    serializer_class = MemoryItemSerializer
    filterset_class = ListFilter
    default_page_size = 50
    safe_actions = {"search"}

    def get_queryset(self) -> MemoryQuerySet:
        memories = super().get_queryset()
        return memories.active().with_relations() if self.action == "list" else memories

    def list(self, request: AuthenticatedRequest) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        self.reader.log(page, "list")
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(request=NewMemorySerializer, responses=RememberedSerializer, parameters=[PREFER])
    def create(self, request: AuthenticatedRequest) -> Response:
        """Remember a text, or a conversation.

        It is durable and can be found when the answer arrives. With a language model configured,
        a job then turns it into facts: the first takes its place, the others are put beside it,
        and what they contradict is archived. With `Prefer: wait=10` the answer waits for that, so
        many seconds at most and never more than a minute, and shows the memory as it then is.
        """
        body = self.read_body(NewMemorySerializer)
        app = get_writing_app(request.auth, user=self.subject, app_name=body.get("app"))
        new = build_new_memory(body)
        stored = remember(new, user=self.subject, app=app, by=request.user)
        memory, job = stored.memory, stored.job
        if job and (seconds := wait_seconds(request, at_most=MAX_PATIENCE)):
            wait(job, seconds)
            memory = Memory.objects.with_relations().one(memory.pk)
        shown = {**show(memory), "event": stored.event, "job": job and reverse("job", [job.pk])}
        return Response(shown)

    @extend_schema(responses=MemorySerializer)
    def retrieve(self, request: AuthenticatedRequest, memory_id: uuid.UUID) -> Response:
        """Show a memory, in whatever state it is."""
        memory = self.get_queryset().with_relations().one(memory_id)
        self.reader.log([memory], "get")
        return Response(show(memory))

    @extend_schema(request=RevisionSerializer, responses=MemorySerializer)
    def update(self, request: AuthenticatedRequest, memory_id: uuid.UUID) -> Response:
        """Change what a memory says.

        It is embedded and categorised anew; what it said before stays in its history.
        """
        given = self.read_body(RevisionSerializer)
        memory = revise(
            memory_id, given["memory_content"], among=self.get_queryset(), by=request.user
        )
        return Response(show(memory))

    @extend_schema(request=None, responses=MessageSerializer)
    def destroy(self, request: AuthenticatedRequest, memory_id: uuid.UUID) -> Response:
        """Delete a memory.

        It leaves every list and search at once. Deleting it again is not an error.
        """
        memory = self.get_queryset().one(memory_id)
        self.get_queryset().filter(pk=memory.pk).change_state(State.DELETED, by=request.user)
        return Response({"message": "Successfully deleted memory"})

    @extend_schema(request=MemoryIdsSerializer, responses=MessageSerializer)
    def destroy_many(self, request: AuthenticatedRequest) -> Response:
        """Delete several memories, all or none.

        One unknown id is 404, and then nothing is deleted.
        """
        ids = set(self.read_body(MemoryIdsSerializer)["memory_ids"])
        self.get_queryset().exactly(ids).change_state(State.DELETED, by=request.user)
        return Response({"message": f"Successfully deleted {len(ids)} memories"})

    @extend_schema(request=SearchSerializer, responses=SearchResultsSerializer, filters=False)
    def search(self, request: AuthenticatedRequest) -> Response:
        """Search memories by vectors and keywords, their neighbours and their speakers.

        Active memories only, the best first. Each hit, and each memory shown as context, is
        logged in its access log. If the provider of the embedding model does not answer, the
        search uses keywords alone.
        """
        body = self.read_body(SearchSerializer)
        app = get_acting_app(request.auth, user=self.subject, app_name=body.get("app"))
        result = search(
            body["query"],
            reader=Reader(self.subject, app),
            top_k=body["top_k"],
            threshold=body.get("threshold"),
            filters=Filters(**(body.get("filters") or {})),
            explain=body["explain"],
            context=body["include_context"],
        )
        alone = {"by_words_alone": True} if result.by_words_alone else {}
        return Response(SearchResultsSerializer({"results": result.hits, **alone}).data)
