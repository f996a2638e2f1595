from __future__ import annotations

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from apps_registry.models import AccessRule, App, Effect
from core.admin.buttons import DialogForm, button
from core.admin.links import change_link
from core.admin.model_admin import ReadOnlyAdmin, TabularInline
from memories.access import rules
from memories.models import Memory


class RuleForm(DialogForm):
    effect = forms.ChoiceField(
        choices=Effect.choices,
        widget=UnfoldAdminSelectWidget,
        help_text="Deny overrides allow. If any rule allows a memory, only such memories are read.",
    )
    memory_id = forms.UUIDField(
        label="Memory",
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="The id of a memory of the app's owner; all of them if empty.",
    )


class RuleInline(TabularInline):
    model = AccessRule
    fields = ("rule", "memory_id", "created_at")
    readonly_fields = fields
    ordering = ("created_at", "id")
    verbose_name_plural = "access rules"
    hide_title = True

    @display(description="Rule")
    def rule(self, rule: AccessRule) -> str:
        return change_link(rule, rule.effect)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(App)
class AppAdmin(ReadOnlyAdmin):
    list_display = ("name", "owner", "shown_state", "memories_read", "created_at")
    list_select_related = ("owner",)
    list_filter = ("is_active", ("owner", AutocompleteSelectFilter))
    search_fields = ("name__startswith", "owner__user_id__startswith")
    search_help_text = "The start of an app's name or of its owner's user id"
    ordering = ("owner", "name")
    fields = (
        "name", "owner", "description", "shown_state", "memories_stored", "memories_read",
        "created_at",
    )  # fmt: skip
    readonly_fields = ("shown_state", "memories_stored")
    actions_detail = ("pause", "resume", "add_rule")
    audit_name_field = "name"
    inlines = (RuleInline,)

    @display(description="State", label={"active": "success", "paused": "warning"})
    def shown_state(self, app: App) -> str:
        return "active" if app.is_active else "paused"

    @display(description="Memories stored")
    def memories_stored(self, app: App) -> str:
        """How many, linked to their list."""
        count: int = App.objects.with_counts().get(pk=app.pk).total_memories_created  # type: ignore[attr-defined]
        url = f"{reverse('admin:memories_memory_changelist')}?app={app.pk}"
        return format_html('<a class="text-primary-600 underline" href="{}">{}</a>', url, count)

    @button(
        "Pause",
        icon="pause",
        description="The app cannot read or write until it is resumed.",
        available_for=lambda app: app.is_active,
    )
    def pause(self, request: HttpRequest, app: App, form: object) -> str:
        app.set_active(False)
        return f"{app} is paused: it cannot read or write."

    @button(
        "Resume",
        icon="play_arrow",
        description="The app can read and write again.",
        available_for=lambda app: not app.is_active,
    )
    def resume(self, request: HttpRequest, app: App, form: object) -> str:
        app.set_active(True)
        return f"{app} is active: it can read and write again."

    @button(
        "Add a rule",
        icon="rule",
        description="The rule takes effect with the next request.",
        form=RuleForm,
    )
    def add_rule(self, request: HttpRequest, app: App, form: RuleForm) -> str:
        effect, memory_id = form.cleaned_data["effect"], form.cleaned_data["memory_id"]
        memories = Memory.objects.owned_by(app.owner)
        rules.create_rule(app=app, effect=effect, memory_id=memory_id, among=memories)
        return f"Rule added: {effect} {memory_id or 'everything'}."


@admin.register(AccessRule)
class RuleAdmin(ReadOnlyAdmin):
    list_display = ("app", "effect", "memory_id", "created_at")
    list_select_related = ("app__owner",)
    list_filter = ("effect", ("app", AutocompleteSelectFilter))
    ordering = ("app", "memory_id")
    fields = ("app", "effect", "memory_id", "created_at")
    audit_name_field = "effect"

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("apps_registry.delete_accessrule")
