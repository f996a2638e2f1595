from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, viewsets
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from accounts.authentication import AuthenticatedRequest
from accounts.subjects import AboutOneUser
from apps_registry.acting import acting_app, remembering_app

from . import recalling, remembering, revising
from .accessing import note_accesses
from .filters import ListFilter
from .models import Memory, MemoryNotFound, State
from .models.memory import MemoryQuerySet
from .serializers import (
    MemoryIdsSerializer,
    MemoryItemSerializer,
    MemorySerializer,
    MessageSerializer,
    NewMemorySerializer,
    RememberedSerializer,
    RevisionSerializer,
    SearchResultsSerializer,
    SearchSerializer,
)


class MemoryViewSet(AboutOneUser, mixins.ListModelMixin, viewsets.GenericViewSet):
    """What apps remember about a user.

    list: List the memories that an app reads.

    Active ones only, newest first unless sorted otherwise.
    """

    serializer_class = MemoryItemSerializer
    filterset_class = ListFilter
    default_page_size = 50
    reading_actions = {"search"}

    def get_queryset(self) -> MemoryQuerySet:
        acting_app(self.request.auth, user=self.subject)  # a paused app reads nothing
        memories = Memory.objects.owned_by(self.subject)
        return memories.active().with_relations() if self.action == "list" else memories

    @extend_schema(request=NewMemorySerializer, responses=RememberedSerializer)
    def create(self, request: AuthenticatedRequest) -> Response:
        """Remember a text.

        It is durable and can be found when the answer arrives.
        """
        given = self._read(NewMemorySerializer)
        app = remembering_app(request.auth, user=self.subject, named=given.get("app"))
        remembered = remembering.remember(
            given["text"],
            user=self.subject,
            app=app,
            by=request.user,
            infer=given["infer"],
            metadata=given["metadata"],
            learned_at=given.get("timestamp"),
        )
        answer = MemorySerializer(remembered.memory).data
        return Response({**answer, "event": remembered.event, "job": None})

    @extend_schema(responses=MemorySerializer)
    def retrieve(self, request: AuthenticatedRequest, memory_id: str) -> Response:
        """Show a memory, in whatever state it is."""
        memory = self.get_queryset().with_relations().one(_uuid(memory_id))
        return Response(MemorySerializer(memory).data)

    @extend_schema(request=RevisionSerializer, responses=MemorySerializer)
    def update(self, request: AuthenticatedRequest, memory_id: str) -> Response:
        """Change what a memory says.

        It is embedded and categorised anew; what it said before stays in its history.
        """
        given = self._read(RevisionSerializer)
        memory = revising.revise(
            _uuid(memory_id), given["memory_content"], among=self.get_queryset(), by=request.user
        )
        return Response(MemorySerializer(memory).data)

    @extend_schema(request=None, responses=MessageSerializer)
    def destroy(self, request: AuthenticatedRequest, memory_id: str) -> Response:
        """Delete a memory.

        It leaves every list and search at once. Deleting it again is not an error.
        """
        memory = self.get_queryset().one(_uuid(memory_id))
        self.get_queryset().filter(pk=memory.pk).change_state(State.DELETED, by=request.user)
        return Response({"message": "Successfully deleted memory"})

    @extend_schema(request=MemoryIdsSerializer, responses=MessageSerializer)
    def destroy_many(self, request: AuthenticatedRequest) -> Response:
        """Delete several memories, all or none.

        One unknown id is 404, and then nothing is deleted.
        """
        ids = set(self._read(MemoryIdsSerializer)["memory_ids"])
        self.get_queryset().exactly(ids).change_state(State.DELETED, by=request.user)
        return Response({"message": f"Successfully deleted {len(ids)} memories"})

    @extend_schema(request=SearchSerializer, responses=SearchResultsSerializer, filters=False)
    def search(self, request: AuthenticatedRequest) -> Response:
        """Find memories by meaning and by words.

        Active memories only, best first. Each one found is written to its access log.
        """
        given = self._read(SearchSerializer)
        app = acting_app(request.auth, user=self.subject, named=given.get("app"))
        hits = recalling.recall(
            given["query"],
            user=self.subject,
            app=app,
            top_k=given["top_k"],
            threshold=given.get("threshold"),
            filters=recalling.Filters(**(given.get("filters") or {})),
            explain=given["explain"],
        )
        note_accesses([hit.memory for hit in hits], app=app, access_type="search")
        return Response(SearchResultsSerializer({"results": hits}).data)

    def _read(self, serializer: type[Serializer]) -> dict[str, Any]:
        given = serializer(data=self.request.data)
        given.is_valid(raise_exception=True)
        return dict(given.validated_data)


def _uuid(memory_id: str) -> uuid.UUID:
    """Read an id of a path: what is no UUID is an id that does not exist."""
    try:
        return uuid.UUID(memory_id)
    except ValueError:
        raise MemoryNotFound from None
