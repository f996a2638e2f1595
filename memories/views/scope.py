from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.utils.functional import cached_property
from drf_spectacular.utils import OpenApiParameter
from rest_framework import viewsets
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.status import HTTP_200_OK

from accounts.authentication import AuthenticatedRequest
from accounts.models import Scope, User
from accounts.subjects import SubjectView
from apps_registry.acting_app import get_acting_app
from apps_registry.models import App
from core.api.etags import Preconditions
from core.api.fields import PAST_SCHEMA
from core.api.filters import BOOLEANS
from core.api.pagination import EnvelopePagination
from core.errors import Malformed, NotAllowed
from memories.access.reader import Reader
from memories.change_log.as_of import Past
from memories.filters import AS_OF_HELP, INCLUDE_EXPIRED_HELP, parse_past
from memories.lifecycle.states import Precondition, Selection, change_state
from memories.models import Memory, State
from memories.models.memory import MemoryQuerySet
from memories.serializers import build_selection, entity_tag

PARTICIPLES = {
    State.ACTIVE: "resumed",
    State.PAUSED: "paused",
    State.ARCHIVED: "archived",
    State.DELETED: "deleted",
}
AS_OF = OpenApiParameter("as_of", PAST_SCHEMA, description=AS_OF_HELP)
INCLUDE_EXPIRED = OpenApiParameter("include_expired", bool, description=INCLUDE_EXPIRED_HELP)


PAST_MEMBERS = {
    "as_of": {
        "type": "integer",
        "description": "Present with `as_of`: the time, in seconds since 1970.",
    },
    "erased_since": {
        "type": "integer",
        "description": "Present with `as_of`, but not for apps: how many memories of then have "
        "been purged since.",
    },
}


class ExpiredHidden(NotAllowed):
    """Apps are shown no expired memories. Use a key that is bound to no app, and name none."""

    code = "expired_hidden"


class PastPages(EnvelopePagination):
    """Pages that may be as of a moment."""

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        pages = super().get_paginated_response_schema(schema)
        pages["properties"] |= PAST_MEMBERS
        return pages


class MemoriesOfOneUser(SubjectView, viewsets.GenericViewSet):
    """For views about memories. Memories that the caller may not read do not exist."""

    # Those about memories that are named by their ids: also about expired ones of the user.
    by_id_actions: ClassVar[Collection[str]] = ()
    # Those that also answer what was known at a moment.
    past_actions: ClassVar[Collection[str]] = ()

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
        may_be_past = self.action in self.past_actions
        past = find_past(self.request, user=self.subject, app=app) if may_be_past else None
        return Reader(self.subject, app, self.request.auth, sees_expired, past)

    def answer_past(self, response: Response) -> Response:
        """Add as of when the answer is, and what is missing in it."""
        if response.data is not None:
            response.data |= describe_past(self.reader)
        return response

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

    def answer_tagged(
        self, answer: dict[str, Any], memory: Memory, *, status: int = HTTP_200_OK
    ) -> Response:
        """Answer with a memory and, to those who may read it, with its entity tag."""
        if not self.request.auth.can_read:
            return Response(answer, status)
        self.shown_memory = memory.pk
        return Response(answer, status, headers={"ETag": entity_tag(memory)})

    def answer_read(self, answer: dict[str, Any], memory: Memory) -> Response:
        """Answer with a memory. What it was at a moment of the past has no version."""
        return Response(answer) if self.reader.past else self.answer_tagged(answer, memory)

    def read_precondition(self) -> Precondition | None:
        preconditions = Preconditions.of(self.request)
        if not preconditions:
            return None
        return lambda memory: preconditions.require(entity_tag(memory))

    def select(self, body: Mapping[str, Any]) -> Selection:
        """What a change selects. Raises ScopeMissing for filters, if the key may not read.

        How many memories match tells what is in them.
        """
        if "filters" in body:
            self.request.auth.require_scope(Scope.READ)
        return build_selection(body)

    def read_body(self, serializer: type[Serializer]) -> dict[str, Any]:
        return validate(serializer, self.request.data)


def find_past(request: AuthenticatedRequest, *, user: User, app: App | None) -> Past | None:
    """The past, if the query or the body says with `as_of` that it is asked about.

    Raises Malformed, BeforeLog and InFuture.
    """
    text = request.query_params.get("as_of")
    body = request.data if isinstance(request.data, dict) else {}
    try:
        moment = parse_past(body.get("as_of") if text is None else text)
    except ValidationError as error:
        raise Malformed(str(error.message), field="as_of") from None
    return Past.at(moment, user=user, app=app) if moment else None


def describe_past(reader: Reader) -> dict[str, Any]:
    """An app is not told how many memories it can no longer read."""
    past = reader.past
    if past is None:
        return {}
    erased = {} if reader.app else {"erased_since": past.erased}
    return {"as_of": int(past.moment.timestamp()), **erased}


def _includes_expired(query: Any) -> bool:
    value = query.get("include_expired", "false")
    if value.lower() not in BOOLEANS:
        raise Malformed("Send `true` or `false`.", field="include_expired")
    return BOOLEANS[value.lower()]


def validate(serializer: type[Serializer], data: Any) -> dict[str, Any]:
    """Validate a request body. Raises ValidationError."""
    return dict(_validator(serializer).run_validation(data))


@cache
def _validator(serializer: type[Serializer]) -> Serializer:
    """One for all requests: it takes longer to make its fields than to validate with them.

    Nothing of a request is kept in it, as in the serializers of the fields of another one.
    """
    return serializer()
