"""The memories of everybody: found, read, and put into states as the API does it."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.db.models.functions import Left
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from accounts.models import User
from core.admin.buttons import button
from core.admin.model_admin import BoundedList, ReadOnlyAdmin
from core.errors import OpenMemoryError
from memories.lifecycle.states import change_state_of
from memories.models import Categorization, Memory, State
from memories.models.memory import MemoryQuerySet
from memories.models.state import LIVE

from . import edit as editing
from . import memory_detail
from .list_filters import (
    ActorFilter,
    AppFilter,
    CategoryFilter,
    ConversationFilter,
    DayFilter,
    SupersededFilter,
    UserFilter,
    asks_everybody,
)
from .memory_detail import COLOURS
from .noting import note_reading
from .search_box import Search
from .signed_in import operator

# Characters of a memory that a list shows: cut by the database, as 50 whole ones may be 1.6 MB.
SHOWN = 160

DELETING = (
    "Deleted memories leave every list and search at once, cannot be brought back, and are removed "
    "for good once the time is over that deleted memories are kept for."
)


OF_WHOM = "Choose a user or an app as well: actors and conversations are looked for in one's own."


class MemoryList(BoundedList):
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if isinstance(self.paginator.object_list, list):  # they are read already
            self.result_list = self.paginator.object_list

    def apply_select_related(self, qs: MemoryQuerySet) -> MemoryQuerySet:
        names = Categorization.objects.filter(memory=OuterRef("pk")).order_by("category__name")
        memories: MemoryQuerySet = super().apply_select_related(qs)
        return memories.defer("content", "metadata", "words", "fingerprint").annotate(
            beginning=Left("content", SHOWN),
            themes=ArraySubquery(names.values("category__name")),
        )


@admin.register(Memory)
class MemoryAdmin(ReadOnlyAdmin):
    """No memory is made here: an app puts it down, and its history says which."""

    list_display = ("shown", "user", "app", "shown_state", "shown_categories", "created_at")
    list_display_links = ("shown",)
    list_select_related = ("user", "app")
    list_filter = (
        UserFilter,
        AppFilter,
        ("state", ChoicesDropdownFilter),
        CategoryFilter,
        ("created_at", DayFilter),
        ActorFilter,
        ConversationFilter,
        SupersededFilter,
    )
    list_before_template = "memories/admin/searched.html"
    search_fields = ("words",)
    search_help_text = "Words, a question, or the id of a memory"
    ordering = ("-created_at", "id")
    sortable_by = ("created_at",)
    actions = ("pause_selected", "resume_selected", "archive_selected", "discard_selected")
    actions_detail = ("edit", "pause", "resume", "bring_back", "archive", "discard")
    fieldsets = memory_detail.FIELDSETS
    readonly_fields = memory_detail.FIELDS
    change_form_outer_after_template = "memories/admin/story.html"

    # --- The list ----------------------------------------------------------------------------

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[MemoryList]:
        return MemoryList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        shown = dict(extra_context or {})
        text = request.GET.get("q", "").strip()
        if text and self.has_view_permission(request):
            # Before the transaction of the list, as a model may be asked.
            search = Search.of(text, chosen=request.GET)
            request.search = search  # type: ignore[attr-defined]
            shown["search_how"] = search.how
        if asks_everybody(request.GET):
            shown["search_how"] = OF_WHOM
        response: HttpResponse = super().changelist_view(request, shown)
        return response

    def get_search_results(
        self, request: HttpRequest, queryset: MemoryQuerySet, search_term: str
    ) -> tuple[MemoryQuerySet, bool]:
        search = getattr(request, "search", None)
        return (search.keep(queryset) if search else queryset), False

    def get_paginator(self, request: HttpRequest, queryset: Any, *further: Any, **how: Any) -> Any:
        search = getattr(request, "search", None)
        # The best are one page, so they need not be counted before they are read.
        rows = list(queryset) if search and search.best is not None else queryset
        return super().get_paginator(request, rows, *further, **how)

    @display(description="Memory")
    def shown(self, memory: Memory) -> SafeString:
        beginning = memory.beginning  # type: ignore[attr-defined]  # annotated by the list
        more = " …" if len(beginning) == SHOWN else ""
        return format_html('<span dir="auto" class="memory-beginning">{}{}</span>', beginning, more)

    @display(description="State", label=COLOURS)
    def shown_state(self, memory: Memory) -> str:
        return memory.state

    @display(description="Categories")
    def shown_categories(self, memory: Memory) -> str:
        return ", ".join(memory.themes)  # type: ignore[attr-defined]  # annotated by the list

    # --- What is done with those that are selected -------------------------------------------

    @admin.action(description="Pause the selected", permissions=["operate"])
    def pause_selected(self, request: HttpRequest, memories: MemoryQuerySet) -> None:
        self._put_selected(State.PAUSED, request, memories)

    @admin.action(description="Resume or bring back the selected", permissions=["operate"])
    def resume_selected(self, request: HttpRequest, memories: MemoryQuerySet) -> None:
        self._put_selected(State.ACTIVE, request, memories)

    @admin.action(description="Archive the selected", permissions=["operate"])
    def archive_selected(self, request: HttpRequest, memories: MemoryQuerySet) -> None:
        self._put_selected(State.ARCHIVED, request, memories)

    @admin.action(description="Delete the selected …", permissions=["discard"])
    def discard_selected(
        self, request: HttpRequest, memories: MemoryQuerySet
    ) -> HttpResponse | None:
        if request.POST.get("confirmed"):
            self._put_selected(State.DELETED, request, memories)
            return None
        return self._ask_to_discard(request, list(memories.values_list("pk", flat=True)))

    def _ask_to_discard(self, request: HttpRequest, ids: list[uuid.UUID]) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": f"Delete {len(ids):,} memories",
            "opts": self.opts,
            "explanation": DELETING,
            "hidden": [
                ("action", "discard_selected"),
                ("confirmed", "yes"),
                *((ACTION_CHECKBOX_NAME, pk) for pk in ids),
            ],
            "label": f"Delete {len(ids):,} memories",
            "danger": True,
            "back": request.get_full_path(),
        }
        return TemplateResponse(request, "memories/admin/ask.html", context)

    def _put_selected(self, state: State, request: HttpRequest, memories: MemoryQuerySet) -> None:
        selected = list(memories)
        try:
            changed = _put(state, [memory.pk for memory in selected], by=operator(request))
        except OpenMemoryError as error:
            self.message_user(request, error.detail, messages.ERROR)
            return
        told = f"Now {state}: {changed:,} of {len(selected):,} memories."
        others = " The others were so before." if changed < len(selected) else ""
        self.message_user(request, told + others)
        for memory in selected:
            self.log_change(request, memory, f"Put into the state {state}, with others.")

    # --- One memory --------------------------------------------------------------------------

    def has_discard_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("memories.delete_memory"))

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        memory = self.get_object(request, object_id)
        shown: dict[str, Any] = {"title": "A memory", "subtitle": None}
        if memory is not None and self.has_view_permission(request, memory):
            note_reading(memory, by=operator(request))
            may_operate = self.has_operate_permission(request, memory)
            shown["story"] = memory_detail.story(memory, may_operate=may_operate)
        response: HttpResponse = super().change_view(
            request, object_id, form_url, {**shown, **(extra_context or {})}
        )
        return response

    @action(description="Edit", icon="edit", permissions=["operate"])
    def edit(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return editing.edit(self, request, object_id)

    edit.applies = lambda memory: memory.state != State.DELETED

    @button(
        "Pause",
        icon="pause",
        description="No app finds it until it is resumed. Its person still sees it.",
        available_for=lambda memory: memory.state == State.ACTIVE,
    )
    def pause(self, request: HttpRequest, memory: Memory, form: object) -> str:
        return _told(State.PAUSED, memory, by=operator(request))

    @button(
        "Resume",
        icon="play_arrow",
        description="Apps find it again.",
        available_for=lambda memory: memory.state == State.PAUSED,
    )
    def resume(self, request: HttpRequest, memory: Memory, form: object) -> str:
        return _told(State.ACTIVE, memory, by=operator(request))

    @button(
        "Bring back",
        icon="unarchive",
        description="Apps find it again. Where it was put aside for another memory, that "
        "one stays, too.",
        available_for=lambda memory: memory.state == State.ARCHIVED,
    )
    def bring_back(self, request: HttpRequest, memory: Memory, form: object) -> str:
        return _told(State.ACTIVE, memory, by=operator(request))

    @button(
        "Archive",
        icon="archive",
        description="It leaves every list and search, is kept, and can be brought back.",
        available_for=lambda memory: memory.state in LIVE,
    )
    def archive(self, request: HttpRequest, memory: Memory, form: object) -> str:
        return _told(State.ARCHIVED, memory, by=operator(request))

    @button(
        "Delete",
        icon="delete",
        description=DELETING,
        permission="discard",
        variant=ActionVariant.DANGER,
        available_for=lambda memory: memory.state != State.DELETED,
    )
    def discard(self, request: HttpRequest, memory: Memory, form: object) -> str:
        return _told(State.DELETED, memory, by=operator(request))


def _told(state: State, memory: Memory, *, by: User) -> str:
    changed = _put(state, [memory.pk], by=by)
    return f"The memory is {state} now." if changed else f"The memory was {state} already."


def _put(state: State, ids: Collection[uuid.UUID], *, by: User) -> int:
    """As the API does it: nobody brings back what a person has deleted. Raises MemoryDeleted."""
    memories = Memory.objects.all()
    if state == State.DELETED:
        return memories.exactly(ids).change_state(state, by=by)
    return change_state_of(ids, state, among=memories, by=by)
