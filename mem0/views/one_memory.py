from __future__ import annotations

import uuid
from typing import Any, ClassVar

from rest_framework.response import Response

from accounts.authentication import AuthenticatedRequest
from core.errors import Conflict, Malformed
from core.transactions import change
from core.visible_text import is_visible
from mem0.event_log import write_event
from mem0.filter_fields import read_day
from mem0.memory_history import show_history
from mem0.memory_shape import end_of_day, load, show_memory
from mem0.message_list import read_metadata, read_timestamp
from mem0.models import EventType
from mem0.project_settings import read_guidance
from mem0.tenant import parse_id
from memories.access.reader import Reader
from memories.lifecycle.revise import Edit
from memories.lifecycle.revise_each import revise_each
from memories.limits import MAX_TEXT_BYTES
from memories.models import Memory, MemoryNotFound, State
from memories.models.memory import MemoryQuerySet

from .mem0_view import DialectViewSet


class MemoryViewSet(DialectViewSet):
    """One memory, by its id alone: it is one of the account's, or it does not exist."""

    slow_actions: ClassVar = {"update"}

    def get_queryset(self) -> MemoryQuerySet:
        return self.tenant.memories().undeleted()

    def retrieve(self, request: AuthenticatedRequest, memory_id: str) -> Response:
        memory = load(self.get_queryset()).one(parse_id(memory_id))
        Reader(memory.user, key=request.auth).log([memory], "get")
        return Response(show_memory(memory))

    def update(self, request: AuthenticatedRequest, memory_id: str) -> Response:
        pk, edit = parse_id(memory_id), read_edit(self.body)
        memories = self.get_queryset()
        memories.one(pk)
        results = [{"id": str(pk), "event": "UPDATE"}]

        def note() -> None:
            user = memories.select_related("user").one(pk).user
            write_event(self.tenant, EventType.UPDATE, user=user, results=results)

        try:
            revise_each(
                {pk: edit},
                among=memories,
                by=request.user,
                guidance=read_guidance(self.tenant, {}),
                note=note,
            )
        except Conflict as conflict:  # Mem0's clients know no 409
            raise Malformed(conflict.detail) from conflict
        memory = load(memories).one(pk)
        message = {"message": "Memory updated successfully!"}
        if not request.auth.can_read:
            return Response({"id": str(pk), **message})
        return Response({**show_memory(memory), **message})

    def destroy(self, request: AuthenticatedRequest, memory_id: str) -> Response:
        pk = parse_id(memory_id)
        linked = request.query_params.get("delete_linked", "").lower() in ("true", "1")
        with change():
            memories = self.get_queryset()
            memory = memories.select_related("user").one(pk)
            superseded = find_superseded(pk, among=memories) if linked else set()
            if not memories.filter(pk=pk).change_state(State.DELETED, by=request.user):
                raise MemoryNotFound
            count = memories.filter(pk__in=superseded).change_state(State.DELETED, by=request.user)
            results = [{"id": str(pk), "event": "DELETE"}]
            write_event(self.tenant, EventType.DELETE, user=memory.user, results=results)
        cascade = {"cascade_count": count} if linked else {}
        return Response({"message": "Memory deleted successfully!", **cascade})

    def history(self, request: AuthenticatedRequest, memory_id: str) -> Response:
        # Also of one that was deleted, until it is purged.
        memory = load(self.tenant.memories()).one(parse_id(memory_id))
        return Response(show_history(memory, key=request.auth))


def find_superseded(pk: uuid.UUID, *, among: MemoryQuerySet) -> set[uuid.UUID]:
    """The memories that one has taken the place of, and those that these have."""
    found: set[uuid.UUID] = set()
    newest = {pk}
    while newest:
        older = Memory.objects.filter(superseded_by__in=newest).values_list("pk", flat=True)
        newest = set(older) - found - {pk}
        found |= newest
    return set(among.filter(pk__in=found).values_list("pk", flat=True))


def read_edit(body: Any) -> Edit:
    """Read what to change of a memory. Raises Malformed."""
    text, metadata = body.get("text"), read_metadata(body.get("metadata"))
    said_at = body.get("timestamp")
    if text is not None and not (isinstance(text, str) and is_visible(text)):
        raise Malformed("`text` is a text that is not empty.", field="text")
    if text is not None and len(text.encode()) > MAX_TEXT_BYTES:
        raise Malformed(f"`text` has at most {MAX_TEXT_BYTES:,} bytes.", field="text")
    terms: dict[str, Any] = {}
    if "expiration_date" in body:  # null removes it
        day = body["expiration_date"]
        is_none = day is None
        terms["expires_at"] = None if is_none else end_of_day(read_day("expiration_date", day))
    if text is None and metadata is None and said_at is None and not terms:
        raise Malformed("Send a `text`, `metadata`, `timestamp` or `expiration_date`.")
    return Edit(
        text=text,
        metadata=metadata,
        said_at=None if said_at is None else read_timestamp(said_at),
        terms=terms,
    )
