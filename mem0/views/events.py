from __future__ import annotations

import uuid

from rest_framework.response import Response

from accounts.authentication import AuthenticatedRequest
from core.errors import Malformed
from mem0.event_log import (
    EventNotFound,
    filter_by_status,
    find_events,
    get_event,
    show_events,
)
from mem0.models import EventType

from .mem0_view import DialectViewSet, PageOf


class EventsViewSet(DialectViewSet):
    """What calls did."""

    def list(self, request: AuthenticatedRequest) -> Response:
        status = request.query_params.get("status")
        events = filter_by_status(self.tenant, status) if status else find_events(self.tenant)
        if event_type := request.query_params.get("event_type"):
            if event_type not in EventType.values:
                raise Malformed(f"`event_type` is one of {', '.join(EventType.values)}.")
            events = events.filter(event_type=event_type)
        return PageOf.of(self).answer(request, events, lambda rows: show_events(self.tenant, rows))

    def retrieve(self, request: AuthenticatedRequest, event_id: str) -> Response:
        try:
            pk = uuid.UUID(event_id)
        except ValueError:
            raise EventNotFound from None
        [shown] = show_events(self.tenant, [get_event(self.tenant, pk)])
        return Response(shown)
