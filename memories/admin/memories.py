"""The memories of all users: search and read them, and change their states as the API does."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.db.models.functions import Left
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from accounts.models import User
from core.admin.buttons import button
from core.admin.model_admin import BoundedList, ReadOnlyAdmin
from memories.models import Categorization, Memory, State
from memories.models.memory import MemoryQuerySet
from memories.models.state import EXPIRED, LIVE

from . import memory_detail
from .acting_operator import log_reading, operator
from .edit import edit_memory
from .list_filters import (
    ActorFilter,
    AppFilter,
    CategoryFilter,
    ConversationFilter,
    DayFilter,
    SupersededFilter,
    TermsFilter,
    UserFilter,
    lacks_scope,
)
from .memory_detail import COLOURS
from .new_memory import add_memory
from .search_box import Search
from .selected_memories import DELETING, SelectedMemories, change_state

# Characters that the list shows, cut by the database: 50 whole memories may take 1.6 MB.
EXCERPT = 160

SCOPE_MISSING = "Choose a user or an app as well to filter by actor or conversation."


class MemoryList(BoundedList):
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if isinstance(self.paginator.object_list, list):  # already fetched
            self.result_list = self.paginator.object_list
        best = getattr(getattr(request, "search", None), "best", None) or {}
        for memory in self.result_list:
            memory.search_score = best.get(memory.pk)

    def apply_select_related(self, qs: MemoryQuerySet) -> MemoryQuerySet:
        names = Categorization.objects.filter(memory=OuterRef("pk")).order_by("category__name")
        memories: MemoryQuerySet = super().apply_select_related(qs)
        return memories.defer("content", "metadata", "words", "fingerprint").annotate(
            excerpt=Left("content", EXCERPT),
            listed_categories=ArraySubquery(names.values("category__name")),
        )


@admin.register(Memory)
class MemoryAdmin(SelectedMemories, ReadOnlyAdmin):
    """Operators add memories, and edit their text alone."""

    list_display = ("excerpt", "user", "app", "shown_state", "shown_categories", "created_at")
    list_display_links = ("excerpt",)
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
        TermsFilter,
    )
    list_before_template = "memories/admin/search_note.html"
    search_fields = ("words",)
    search_help_text = "Words, a question or the id of a memory"
    ordering = ("-created_at", "id")
    list_disable_select_all = False
    sortable_by = ("user", "shown_state", "created_at")
    actions = ("pause_selected", "resume_selected", "archive_selected", "discard_selected")
    actions_detail = ("edit", "pause", "resume", "restore", "archive", "discard")
    fieldsets = memory_detail.FIELDSETS
    readonly_fields = memory_detail.FIELDS
    change_form_outer_after_template = "memories/admin/history.html"

    # --- The list ----------------------------------------------------------------------------

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[MemoryList]:
        return MemoryList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = dict(extra_context or {})
        text = request.GET.get("q", "").strip()
        if text and self.has_view_permission(request):
            # Before the transaction of the list, as this may call a model.
            search = Search.of(text, filters=request.GET)
            request.search = search  # type: ignore[attr-defined]
            context["search_note"] = search.note
        if lacks_scope(request.GET):
            context["search_note"] = SCOPE_MISSING
        response: HttpResponse = super().changelist_view(request, context)
        return response

    def get_search_results(
        self, request: HttpRequest, queryset: MemoryQuerySet, search_term: str
    ) -> tuple[MemoryQuerySet, bool]:
        search = getattr(request, "search", None)
        return (search.keep(queryset) if search else queryset), False

    def get_paginator(self, request: HttpRequest, queryset: Any, *further: Any, **how: Any) -> Any:
        search = getattr(request, "search", None)
        # The best results fit one page: fetching them replaces the count.
        rows = list(queryset) if search and search.best is not None else queryset
        return super().get_paginator(request, rows, *further, **how)

    @display(description="Memory")
    def excerpt(self, memory: Memory) -> SafeString:
        text = memory.excerpt  # type: ignore[attr-defined]  # annotated by the list
        more = " …" if len(text) == EXCERPT else ""
        score = memory.search_score  # type: ignore[attr-defined]  # set by the list
        likely = "" if score is None else f" {score:.0%}"
        return format_html(
            '<span dir="auto" class="memory-excerpt">{}{}</span><small>{}</small>',
            text,
            more,
            likely,
        )

    @display(description="State", label=COLOURS, ordering="state")
    def shown_state(self, memory: Memory) -> str:
        return memory.shown_state

    @display(description="Categories")
    def shown_categories(self, memory: Memory) -> str:
        return ", ".join(memory.listed_categories)  # type: ignore[attr-defined]  # annotated by the list

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("memories.add_memory"))

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        return add_memory(self, request)

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
        context: dict[str, Any] = {"title": "Memory", "subtitle": None}
        if memory is not None and self.has_view_permission(request, memory):
            log_reading(memory, by=operator(request))
            may_operate = self.has_operate_permission(request, memory)
            context["sections"] = memory_detail.build_sections(memory, may_operate=may_operate)
        response: HttpResponse = super().change_view(
            request, object_id, form_url, {**context, **(extra_context or {})}
        )
        return response

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """What happened to it is in the log of changes, whoever did it."""
        log = reverse("admin:memories_logline_changelist")
        return HttpResponseRedirect(f"{log}?{urlencode({'q': object_id})}")

    @action(description="Edit", icon="edit", permissions=["operate"])
    def edit(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return edit_memory(self, request, object_id)

    edit.available_for = lambda memory: (
        memory.shown_state not in (State.DELETED, EXPIRED) and not memory.immutable
    )

    @button(
        "Pause",
        icon="pause",
        description="Apps cannot read it until it is resumed. Its user still can.",
        available_for=lambda memory: memory.state == State.ACTIVE,
    )
    def pause(self, request: HttpRequest, memory: Memory, form: object) -> str:
        return _change_one(State.PAUSED, memory, by=operator(request))

    @button(
        "Resume",
        icon="play_arrow",
        description="Apps can read it again.",
        available_for=lambda memory: memory.state == State.PAUSED,
    )
    def resume(self, request: HttpRequest, memory: Memory, form: object) -> str:
        return _change_one(State.ACTIVE, memory, by=operator(request))

    @button(
        "Restore",
        icon="unarchive",
        description="Apps can read it again. A memory that superseded it stays active, too.",
        available_for=lambda memory: memory.state == State.ARCHIVED,
    )
    def restore(self, request: HttpRequest, memory: Memory, form: object) -> str:
        return _change_one(State.ACTIVE, memory, by=operator(request))

    @button(
        "Archive",
        icon="archive",
        description="It leaves every list and search, and can be restored.",
        available_for=lambda memory: memory.state in LIVE,
    )
    def archive(self, request: HttpRequest, memory: Memory, form: object) -> str:
        return _change_one(State.ARCHIVED, memory, by=operator(request))

    @button(
        "Delete",
        icon="delete",
        description=DELETING,
        permission="discard",
        variant=ActionVariant.DANGER,
        available_for=lambda memory: memory.state != State.DELETED,
    )
    def discard(self, request: HttpRequest, memory: Memory, form: object) -> str:
        return _change_one(State.DELETED, memory, by=operator(request))


def _change_one(state: State, memory: Memory, *, by: User) -> str:
    changed_count = change_state(state, [memory.pk], by=by)
    return f"The memory is now {state}." if changed_count else f"The memory was already {state}."
