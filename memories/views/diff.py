from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from accounts.authentication import AuthenticatedRequest
from accounts.subjects import USER_ID_PARAMETER
from core.api.fields import PAST_SCHEMA
from core.errors import Malformed
from memories.change_log.as_of import Past
from memories.change_log.difference import Changed, describe_changed, find_changed
from memories.filters import parse_past
from memories.models import Memory
from memories.serializers import show
from memories.serializers.changed_memory import ChangedMemorySerializer

from .scope import MemoriesOfOneUser

FROM = OpenApiParameter(
    "from",
    PAST_SCHEMA,
    required=True,
    description="The beginning: any time since the log began, as in `as_of`.",
)
TO = OpenApiParameter("to", PAST_SCHEMA, description="The end, by default now.")


class NotLater(Malformed):
    """`to` must not be earlier than `from`."""

    code = "not_later"


class DiffViewSet(MemoriesOfOneUser):
    """What changed between two moments."""

    serializer_class = ChangedMemorySerializer
    default_page_size = 50
    query_fields: ClassVar = {"list": ("from", "to")}

    @extend_schema(
        responses=ChangedMemorySerializer(many=True), parameters=[FROM, TO, USER_ID_PARAMETER]
    )
    def list(self, request: AuthenticatedRequest) -> Response:
        """List the memories that differ between two moments.

        Those that were stored, revised, put aside (archived or deleted) or brought back, in the
        order of their last changes, each as it was before and after. What changed and changed back
        is left out, and so is what has been purged or has expired since.
        """
        first, last = self._read_moments(request)
        lines = find_changed(first, last, among=self.get_queryset())
        changed = describe_changed(self.paginate_queryset(lines) or [])
        ids = [each.memory_id for each in changed]
        before, after = self._show(ids, first), self._show(ids, last)
        items = [self._render(each, before, after) for each in changed if each.memory_id in after]
        self.reader.log([Memory(pk=each.memory_id) for each in changed], "list")
        return self.get_paginated_response(items)

    def _read_moments(self, request: AuthenticatedRequest) -> tuple[Past, Past]:
        moments: dict[str, datetime] = {"to": timezone.now()}
        for name in ("from", "to"):
            value = request.query_params.get(name)
            if value is None and name == "to":
                continue
            if value is None:
                raise Malformed("Send `from`: the moment to compare with.", field=name)
            try:
                moment = parse_past(value)
            except ValidationError as error:
                raise Malformed(str(error.message), field=name) from None
            assert moment is not None  # noqa: S101 - there is a value
            moments[name] = moment
        if moments["to"] < moments["from"]:
            raise NotLater(field="to")
        first, last = (
            Past.at(moments[name], user=self.subject, app=self.reader.app, field=name)
            for name in ("from", "to")
        )
        return first, last

    def _show(self, ids: Collection[uuid.UUID], past: Past) -> dict[uuid.UUID, dict[str, Any]]:
        with past.reading():
            memories = self.get_queryset().with_relations().in_bulk(ids)
            return {pk: show(memory) for pk, memory in memories.items()}

    def _render(
        self,
        changed: Changed,
        before: dict[uuid.UUID, dict[str, Any]],
        after: dict[uuid.UUID, dict[str, Any]],
    ) -> dict[str, Any]:
        return {
            "id": str(changed.memory_id),
            "change": changed.change,
            "at": changed.at,
            "before": before.get(changed.memory_id),
            "after": after[changed.memory_id],
        }
