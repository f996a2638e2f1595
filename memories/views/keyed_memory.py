from __future__ import annotations

from django.db.models import Count
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.status import HTTP_200_OK, HTTP_201_CREATED

from accounts.authentication import AuthenticatedRequest
from apps_registry.acting_app import get_writing_app
from core.api.etags import Preconditions
from core.errors import PreconditionFailed
from memories.filters import NAMESPACE_HELP
from memories.lifecycle.remember import Event
from memories.lifecycle.states import delete
from memories.lifecycle.upsert import Expectation, find_holder, upsert
from memories.models import Memory
from memories.models.memory import MemoryNotFound
from memories.own_keys import Address, parse_namespace
from memories.serializers import (
    KeyedMemorySerializer,
    MemorySerializer,
    MessageSerializer,
    NamespaceSerializer,
    build_content,
    entity_tag,
    show,
    show_written,
)

from .scope import AS_OF, MemoriesOfOneUser, PastPages


class KeyedMemoryViewSet(MemoriesOfOneUser):
    """Memories by keys of one's own, each in a namespace: parts separated by dots.

    A key is unique per user, and can hold slashes. Deleted and expired memories give it away.
    """

    conditional_actions = {"replace", "destroy"}
    tagged_actions = {"replace"}
    creating_actions = {"replace"}
    slow_actions = {"replace"}
    by_id_actions = {"replace"}
    past_actions = {"retrieve"}
    query_fields = {"retrieve": ("as_of",)}

    @extend_schema(responses=MemorySerializer, parameters=[AS_OF])
    def retrieve(self, request: AuthenticatedRequest, namespace: str, key: str) -> Response:
        """Retrieve the memory with a key.

        404 if none has it, or if it was deleted or has expired. With `as_of`, the memory that had
        it then, as it was, and without an `ETag`.
        """
        address = Address.parse(namespace, key)
        with self.reader.reading():
            memory = self.get_queryset().with_relations().get_at(address)
            shown = show(memory)
        self.reader.log([memory], "get")
        return self.answer_read(shown, memory)

    @extend_schema(
        request=KeyedMemorySerializer,
        responses={
            HTTP_200_OK: OpenApiResponse(MemorySerializer, "It has taken the place of what was."),
            HTTP_201_CREATED: OpenApiResponse(MemorySerializer, "It is new."),
        },
    )
    def replace(self, request: AuthenticatedRequest, namespace: str, key: str) -> Response:
        """Store a memory by a key, or replace the one that has it.

        The memory becomes what the body says, all of it; what it was stays in its history. The same
        body again changes nothing. An archived memory becomes active. It is stored as it is: no
        facts are extracted from it, it is not compared with duplicates, and no other memory takes
        its place by inference. `If-None-Match: *` stores only a new one, `If-Match` replaces only
        this version. A key without the `read` scope is answered only `id`, `event` (`ADD` or
        `UPDATE`) and `job` (null).
        """
        address = Address.parse(namespace, key)
        body = self.read_body(KeyedMemorySerializer)
        stored = upsert(
            address,
            build_content(body),
            app=get_writing_app(request.auth, user=self.subject, app_name=body.get("app")),
            among=self.get_queryset(),
            user=self.subject,
            by=request.user,
            key=request.auth,
            expectation=self._expectation(),
        )
        is_new = stored.event == Event.ADD
        status = HTTP_201_CREATED if is_new else HTTP_200_OK
        if request.auth.can_read:
            answer = show(stored.memory)
        else:
            answer = show_written(stored.memory, stored.event, job=None, key=request.auth)
        response = self.answer_tagged(answer, stored.memory, status=status)
        if is_new:
            response["Location"] = reverse("memory", [stored.memory.pk])
        return response

    def _expectation(self) -> Expectation:
        preconditions = Preconditions.of(self.request)

        def expect(memory: Memory | None) -> None:
            if memory is not None:
                preconditions.require(entity_tag(memory))
            elif preconditions.match is not None:
                raise PreconditionFailed("There is no memory with this key.")

        return expect

    @extend_schema(request=None, responses=MessageSerializer)
    def destroy(self, request: AuthenticatedRequest, namespace: str, key: str) -> Response:
        """Delete the memory with a key, which is free from then on.

        404 if no memory has it.
        """
        holder = find_holder(Address.parse(namespace, key), user=self.subject)
        if holder is None:
            raise MemoryNotFound
        memories, precondition = self.get_queryset(), self.read_precondition()
        delete(holder, among=memories, by=request.user, precondition=precondition)
        return Response({"message": "Successfully deleted memory"})


class NamespaceViewSet(MemoriesOfOneUser):
    serializer_class = NamespaceSerializer
    pagination_class = PastPages
    default_page_size = 50
    query_fields = {"list": ("namespace", "as_of")}
    past_actions = {"list"}

    @extend_schema(
        parameters=[OpenApiParameter("namespace", str, description=NAMESPACE_HELP), AS_OF],
        responses=NamespaceSerializer(many=True),
    )
    def list(self, request: AuthenticatedRequest) -> Response:
        """List the namespaces of own keys, by name."""
        with self.reader.reading():
            response = self._list(request)
        return self.answer_past(response)

    def _list(self, request: AuthenticatedRequest) -> Response:
        memories = self.get_queryset().active().exclude(own_key="")
        if "namespace" in request.query_params:
            prefix = parse_namespace(request.query_params["namespace"])
            memories = memories.in_namespace(prefix)
        namespaces = memories.values("namespace").annotate(number=Count("pk"))
        page = self.paginate_queryset(namespaces.order_by("namespace")) or []
        items = self.get_serializer(page, many=True).data
        return self.get_paginated_response(items)
