from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Count
from django.utils import timezone
from rest_framework.response import Response

from accounts.authentication import AuthenticatedRequest
from mem0.event_log import find_events
from mem0.models import EventType
from memories.models import Access

from .mem0_view import DialectViewSet

DAYS = 30


class AccountViewSet(DialectViewSet):
    """The account of the key."""

    # Every client asks at its start, also one that may only write.
    actions_of_any_scope = {"ping"}

    def ping(self, request: AuthenticatedRequest) -> Response:
        return Response(
            {
                "status": "ok",
                "org_id": self.tenant.org_id,
                "project_id": self.tenant.project_id,
                # Clients report an address to Mem0.
                "user_email": None,
                "message": "Valid API key",
            }
        )

    def stats(self, request: AuthenticatedRequest) -> Response:
        memories = self.tenant.memories()
        since = timezone.now() - timedelta(days=DAYS)
        events = find_events(self.tenant).order_by().values_list("event_type")
        counts: dict[str, int] = dict(events.annotate(Count("pk")))
        searches = Access.objects.filter(
            memory__in=memories, access_type="search", accessed_at__gte=since
        )
        answer: dict[str, Any] = {
            "total_memories": memories.active().unexpired().count(),
            "total_add_events": counts.get(EventType.ADD, 0),
            "total_update_events": counts.get(EventType.UPDATE, 0),
            "total_delete_events": sum(
                counts.get(each, 0)
                for each in (EventType.DELETE, EventType.DELETE_ALL, EventType.DELETE_USER)
            ),
            "total_retrieval_events": searches.count(),
            "total_users": self.tenant.users().exclude(pk=self.tenant.account.pk).count(),
            "days": DAYS,
        }
        return Response(answer)
