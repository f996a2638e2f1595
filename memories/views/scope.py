from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Any, ClassVar

from django.utils.functional import cached_property
from drf_spectacular.utils import OpenApiParameter
from rest_framework import viewsets
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from accounts.subjects import SubjectView
from apps_registry.acting_app import get_acting_app
from apps_registry.models import App
from core.api.filters import BOOLEANS
from core.errors import Malformed, NotAllowed
from memories.access.reader import Reader
from memories.filters import INCLUDE_EXPIRED_HELP
from memories.lifecycle.states import Selection, change_state
from memories.models import State
from memories.models.memory import MemoryQuerySet

PARTICIPLES = {
    State.ACTIVE: "resumed",
    State.PAUSED: "paused",
    State.ARCHIVED: "archived",
    State.DELETED: "deleted",
}
INCLUDE_EXPIRED = OpenApiParameter("include_expired", bool, description=INCLUDE_EXPIRED_HELP)


class ExpiredHidden(NotAllowed):
    """Apps are shown no expired memories. Use a key that is bound to no app, and name none."""

    code = "expired_hidden"


class MemoriesOfOneUser(SubjectView, viewsets.GenericViewSet):
    """For views about memories. Memories that the caller may not read do not exist."""

    # Those about memories that are named by their ids: also about expired ones of the user.
    by_id_actions: ClassVar[Collection[str]] = ()

    @cached_property
    def reader(self) -> Reader:
        """Reads as the app that the key is bound to, if any. Raises AppPaused."""
        key = self.request.auth
        return self.read_as(get_acting_app(key, user=self.subject))

    def read_as(self, app: App | None) -> Reader:
        """Raises ExpiredHidden for an app that asks for expired memories."""
        is_asked = _includes_expired(self.request.query_params) or (
            isinstance(self.request.data, dict) and self.request.data.get("include_expired") is True
        )
        if is_asked and app is not None:
            raise ExpiredHidden
        sees_expired = is_asked or self.action in self.by_id_actions
        return Reader(self.subject, app, self.request.auth, sees_expired)

    def get_queryset(self) -> MemoryQuerySet:
        return self.reader.memories()

    def check_replay(self, shown: uuid.UUID | None) -> None:
        """Raises AppPaused, and MemoryNotFound if the caller may not read the memory any more."""
        memories = self.get_queryset()
        if shown is not None:
            memories.only("pk").one(shown)

    def answer_change(self, state: State, selection: Selection) -> Response:
        """Change the state of the selected memories, all or none, and answer how many changed."""
        count = change_state(
            state,
            selection,
            user=self.subject,
            among=self.get_queryset(),
            by=self.request.user,
        )
        message = f"Successfully {PARTICIPLES[state]} {count} memories"
        counted = {} if selection.filters is None else {"count": count}
        return Response({"message": message, **counted})

    def read_body(self, serializer: type[Serializer]) -> dict[str, Any]:
        return validate(serializer, self.request.data)


def _includes_expired(query: Any) -> bool:
    value = query.get("include_expired", "false")
    if value.lower() not in BOOLEANS:
        raise Malformed("Send `true` or `false`.", field="include_expired")
    return BOOLEANS[value.lower()]


def validate(serializer: type[Serializer], data: Any) -> dict[str, Any]:
    """Validate a request body. Raises ValidationError."""
    body = serializer(data=data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)
