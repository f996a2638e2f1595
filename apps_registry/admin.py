from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from openmemory.admin.buttons import button
from openmemory.admin.options import ReadOnlyAdmin, TabularInline

from .models import AccessRule, App


class RuleInline(TabularInline):
    model = AccessRule
    fields = ("effect", "memory_id")
    ordering = ("created_at", "id")
    verbose_name_plural = "Rules: which memories it may read"


@admin.register(App)
class AppAdmin(ReadOnlyAdmin):
    list_display = ("name", "owner", "shown_state", "memories_read", "created_at")
    list_select_related = ("owner",)
    list_filter = ("is_active", ("owner", AutocompleteSelectFilter))
    search_fields = ("name__startswith",)
    search_help_text = "The beginning of an app's name"
    ordering = ("owner", "name")
    fields = ("name", "owner", "description", "is_active", "memories_read", "created_at")
    actions_detail = ("pause", "resume")
    audited_as = "name"
    inlines = (RuleInline,)

    @display(description="State", label={"active": "success", "paused": "warning"})
    def shown_state(self, app: App) -> str:
        return "active" if app.is_active else "paused"

    @button(
        "Pause",
        icon="pause",
        asks="It reads and writes nothing until it is resumed.",
        applies=lambda app: app.is_active,
    )
    def pause(self, request: HttpRequest, app: App, form: object) -> str:
        app.activate(False)
        return f"{app} is paused: it reads and writes nothing."

    @button(
        "Resume",
        icon="play_arrow",
        asks="It reads and writes again.",
        applies=lambda app: not app.is_active,
    )
    def resume(self, request: HttpRequest, app: App, form: object) -> str:
        app.activate(True)
        return f"{app} is active: it reads and writes again."
