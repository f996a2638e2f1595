from __future__ import annotations

from rest_framework.response import Response

from accounts.authentication import AuthenticatedRequest
from core.errors import Malformed
from core.transactions import change
from mem0.entity_register import (
    EntityNotFound,
    find_entities,
    get_entity,
    memories_of,
    register_known_users,
    show_entities,
)
from mem0.event_log import delete_memories
from mem0.memory_shape import load, show_memory
from mem0.models import Entity, EntityKind, EventType

from .mem0_view import DialectViewSet, PageOf

# Without a page size: `reset()` of a client deletes what one answer has. A thousand users may come
# with as many agents and runs.
ALL_AT_ONCE = 10_000


class EntitiesViewSet(DialectViewSet):
    """The users, agents, apps and runs that an account has named."""

    def list(self, request: AuthenticatedRequest) -> Response:
        register_known_users(self.tenant)
        entities = find_entities(self.tenant)
        page = PageOf.of(self, default_size=ALL_AT_ONCE)
        response = page.answer(request, entities, lambda rows: show_entities(self.tenant, rows))
        for kind in EntityKind:
            response.data[f"total_{kind}s"] = entities.filter(kind=kind).count()
        return response

    def retrieve(self, request: AuthenticatedRequest, kind: str, name: str) -> Response:
        return Response(show_entities(self.tenant, [self._get(kind, name)]))

    def memories(self, request: AuthenticatedRequest, kind: str, name: str) -> Response:
        entity = self._get(kind, name)
        memories = load(memories_of(self.tenant, entity).active().unexpired())
        return PageOf.of(self).answer(
            request,
            memories.order_by("-created_at", "pk"),
            lambda rows: [show_memory(memory) for memory in rows],
        )

    def destroy(self, request: AuthenticatedRequest, kind: str, name: str) -> Response:
        self.tenant.require_unbound()
        return self._delete(self._get(kind, name))

    def destroy_by_number(self, request: AuthenticatedRequest, kind: str, pk: int) -> Response:
        self.tenant.require_unbound()
        entity = find_entities(self.tenant).filter(kind=_read_kind(kind), pk=pk).first()
        if entity is None:
            raise EntityNotFound
        return self._delete(entity)

    def _get(self, kind: str, name: str) -> Entity:
        # With the last slash of the address, which is not part of a name.
        return get_entity(self.tenant, _read_kind(kind), name.removesuffix("/"))

    def _delete(self, entity: Entity) -> Response:
        kind, name, user = entity.kind, entity.name, entity.user
        with change():
            memories = memories_of(self.tenant, entity)
            event = delete_memories(self.tenant, memories, EventType.DELETE_USER, user=user)
            entity.delete()
        message = f"Entity deleted successfully: {kind} {name}"
        return Response({"message": message, "event_id": str(event.pk)})


def _read_kind(kind: str) -> str:
    if kind not in EntityKind.values:
        raise Malformed(f"The type of an entity is one of {', '.join(EntityKind.values)}.")
    return kind
