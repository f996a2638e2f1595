from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from accounts.authentication import AuthenticatedRequest
from apps_registry.acting_app import get_acting_app
from memories.access.reader import Reader
from memories.prompt import compose_context
from memories.search import Filters
from memories.serializers import PromptContextSerializer, PromptRequestSerializer

from .scope import MemoriesOfOneUser


class PromptContextViewSet(MemoriesOfOneUser):
    """Memories as a text for a prompt."""

    safe_actions = {"compose"}
    serializer_class = PromptContextSerializer

    @extend_schema(
        request=PromptRequestSerializer, responses=PromptContextSerializer, filters=False
    )
    def compose(self, request: AuthenticatedRequest) -> Response:
        """Compose memories into a text for a prompt.

        The text cites the ids of its memories, is marked as data, and never exceeds the budget. For
        the same memories it is the same. If nothing is known, it is empty. Each memory in it is
        added to its access log.
        """
        body = self.read_body(PromptRequestSerializer)
        app = get_acting_app(request.auth, user=self.subject, app_name=body.get("app"))
        context = compose_context(
            Reader(self.subject, app),
            at=body.get("at") or timezone.now(),
            query=body.get("query"),
            max_tokens=body["max_tokens"],
            filters=Filters(**(body.get("filters") or {})),
            include=body.get("include") or (),
        )
        return Response(PromptContextSerializer(context).data)
