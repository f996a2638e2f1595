"""What operators do to the memories that they select in the list, or to all that match."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from accounts.models import User
from core.admin.audit_log import log_changes
from core.errors import OpenMemoryError
from core.quantities import with_noun
from memories.lifecycle.states import change_state_of
from memories.models import Memory, State
from memories.models.memory import MemoryQuerySet

from .acting_operator import operator

DELETING = (
    "Deleted memories leave every list and search at once. They cannot be restored, and are purged "
    "after the retention period for deleted memories."
)

# The field by which Django's list says that all are meant, not those of the page alone.
SELECT_ACROSS = "select_across"


class SelectedMemories:
    """The actions of the list, of the page of memories."""

    admin_site: Any
    opts: Any
    message_user: Any

    @admin.action(description="Pause selected memories", permissions=["operate"])
    def pause_selected(self, request: HttpRequest, memories: MemoryQuerySet) -> None:
        self._change_selected(State.PAUSED, request, memories)

    @admin.action(description="Resume or restore selected memories", permissions=["operate"])
    def resume_selected(self, request: HttpRequest, memories: MemoryQuerySet) -> None:
        self._change_selected(State.ACTIVE, request, memories)

    @admin.action(description="Archive selected memories", permissions=["operate"])
    def archive_selected(self, request: HttpRequest, memories: MemoryQuerySet) -> None:
        self._change_selected(State.ARCHIVED, request, memories)

    @admin.action(description="Delete selected memories …", permissions=["discard"])
    def discard_selected(
        self, request: HttpRequest, memories: MemoryQuerySet
    ) -> HttpResponse | None:
        if request.POST.get("confirmed"):
            self._change_selected(State.DELETED, request, memories)
            return None
        ids = memories.order_by().values_list("pk", flat=True)
        if _selects_all(request):
            # One of them stands for all: the list's filters find the others again.
            return self._confirm_discard(
                request, list(ids[:1]), ids.count(), [(SELECT_ACROSS, "1")]
            )
        return self._confirm_discard(request, list(ids), len(ids), [])

    def _confirm_discard(
        self,
        request: HttpRequest,
        ids: Collection[uuid.UUID],
        count: int,
        more: list[tuple[str, str]],
    ) -> HttpResponse:
        label = f"Delete {with_noun(count, 'memory', 'memories')}"
        context = {
            **self.admin_site.each_context(request),
            "title": label,
            "opts": self.opts,
            "explanation": DELETING,
            "hidden": [
                ("action", "discard_selected"),
                ("confirmed", "yes"),
                *more,
                *((ACTION_CHECKBOX_NAME, pk) for pk in ids),
            ],
            "label": label,
            "danger": True,
            "back": request.get_full_path(),
        }
        return TemplateResponse(request, "memories/admin/form_page.html", context)

    def _change_selected(
        self, state: State, request: HttpRequest, memories: MemoryQuerySet
    ) -> None:
        if _selects_all(request) and state != State.DELETED:
            memories = memories.undeleted()
        ids = list(memories.order_by().values_list("pk", flat=True))
        try:
            changed_count = change_state(state, ids, by=operator(request))
        except OpenMemoryError as error:
            self.message_user(request, error.detail, messages.ERROR)
            return
        are = "is" if changed_count == 1 else "are"
        message = (
            f"{changed_count:,} of {with_noun(len(ids), 'memory', 'memories')} {are} now {state}."
        )
        if changed_count < len(ids):
            message += f" The others already were {state}."
        self.message_user(request, message)
        log_changes(request.user, Memory, ids, text=f"State changed to {state}, with others.")


def _selects_all(request: HttpRequest) -> bool:
    return request.POST.get(SELECT_ACROSS) == "1"


def change_state(state: State, ids: Collection[uuid.UUID], *, by: User) -> int:
    """As in the API, no deleted memory can be restored. Raises MemoryDeleted."""
    memories = Memory.objects.all()
    if state == State.DELETED:
        return memories.exactly(ids).change_state(state, by=by)
    return change_state_of(ids, state, among=memories, by=by)
