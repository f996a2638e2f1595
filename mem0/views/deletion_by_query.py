from __future__ import annotations

import json
from typing import Any

from django.db.models import Q
from rest_framework.response import Response

from accounts.authentication import AuthenticatedRequest
from core.errors import Malformed
from core.transactions import change
from mem0.event_log import delete_memories
from mem0.filter_condition import ENTITIES, Condition, parse_filters
from mem0.models import EventType
from mem0.tenant import WILDCARD

from .mem0_view import DialectViewSet

# What an address may have beside the ids. The first three have no effect.
BESIDE = ("org_id", "project_id", "source", "metadata")
HOW = "Send ids alone, such as ?user_id=alice."


class DeletesByQuery(DialectViewSet):
    """Delete all memories with some ids. What is not understood deletes nothing."""

    def destroy(self, request: AuthenticatedRequest) -> Response:
        named = self._read_query()
        if WILDCARD in named.values():
            self.tenant.require_unbound()
        is_everything = set(named) == set(ENTITIES) and set(named.values()) == {WILDCARD}
        condition = Condition(Q()) if is_everything else parse_filters(named, self.tenant)
        q = condition.q & self._read_metadata()
        with change():
            memories = self.tenant.memories().filter(q)
            event = delete_memories(self.tenant, memories, EventType.DELETE_ALL)
        message = "Memories deleted successfully!"
        return Response({"message": message, "event_id": str(event.pk)})

    def _read_query(self) -> dict[str, str]:
        """The ids of the query. Raises Malformed for anything that is not clear."""
        params = self.request.query_params
        if self.body:
            raise Malformed(f"This call takes no body. {HOW}")
        for name, values in params.lists():
            if name not in (*ENTITIES, *BESIDE):
                raise Malformed(f"{name[:50]!r} is not known here, and nothing was deleted. {HOW}")
            if len(values) > 1:
                raise Malformed(f"`{name}` is sent twice, and nothing was deleted.", field=name)
        named = {name: params[name] for name in ENTITIES if name in params}
        if not named or not all(value.strip() for value in named.values()):
            raise Malformed(
                "Name a user_id, agent_id, app_id or run_id, which is not empty. Nothing was "
                f"deleted. {HOW}"
            )
        for name, value in named.items():
            text = value.strip()
            if text[0] + text[-1] in ("{}", "[]"):
                raise Malformed(
                    f"`{name}` is an object that was sent as text, and nothing was deleted. {HOW}",
                    field=name,
                )
        return named

    def _read_metadata(self) -> Any:
        text = self.request.query_params.get("metadata")
        if text is None:
            return Q()
        try:
            value = json.loads(text)
        except ValueError:
            raise Malformed("`metadata` is a JSON object.", field="metadata") from None
        return parse_filters({"metadata": value}, self.tenant).q
