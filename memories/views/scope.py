from __future__ import annotations

from functools import cached_property
from typing import Any

from rest_framework import viewsets
from rest_framework.serializers import Serializer

from accounts.subjects import SubjectView
from apps_registry.acting_app import get_acting_app
from apps_registry.models import App
from memories.models import Memory
from memories.models.memory import MemoryQuerySet


class MemoriesOfOneUser(SubjectView, viewsets.GenericViewSet):
    """For views about memories: what there is at all is what the caller may read."""

    @cached_property
    def acting_app(self) -> App | None:
        """The app that the key is bound to, if any. Raises AppPaused."""
        return get_acting_app(self.request.auth, user=self.subject)

    def get_queryset(self) -> MemoryQuerySet:
        return Memory.objects.owned_by(self.subject).readable_by(self.acting_app)

    def read_body(self, serializer: type[Serializer]) -> dict[str, Any]:
        given = serializer(data=self.request.data)
        given.is_valid(raise_exception=True)
        return dict(given.validated_data)
