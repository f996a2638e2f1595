from __future__ import annotations

import uuid
from typing import Any

from django.utils.functional import cached_property
from rest_framework import viewsets
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from accounts.subjects import SubjectView
from apps_registry.acting_app import get_acting_app
from memories.access.reader import Reader
from memories.lifecycle.states import Selection, change_state
from memories.models import State
from memories.models.memory import MemoryQuerySet

PARTICIPLES = {
    State.ACTIVE: "resumed",
    State.PAUSED: "paused",
    State.ARCHIVED: "archived",
    State.DELETED: "deleted",
}


class MemoriesOfOneUser(SubjectView, viewsets.GenericViewSet):
    """For views about memories. Memories that the caller may not read do not exist."""

    @cached_property
    def reader(self) -> Reader:
        """Reads as the app that the key is bound to, if any. Raises AppPaused."""
        key = self.request.auth
        return Reader(self.subject, get_acting_app(key, user=self.subject), key)

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


def validate(serializer: type[Serializer], data: Any) -> dict[str, Any]:
    """Validate a request body. Raises ValidationError."""
    body = serializer(data=data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)
