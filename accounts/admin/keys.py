from __future__ import annotations

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display
from unfold.enums import ActionVariant

from accounts.models import ApiKey
from accounts.roles import can_change_user
from core.admin.buttons import button
from core.admin.links import change_link
from core.admin.model_admin import ReadOnlyAdmin, TabularInline

LABELS = {"active": "success", "idle": "default", "expired": "warning", "revoked": "danger"}


def key_state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return "revoked"
    now = timezone.now()
    if key.expires_at is None or key.expires_at > now:
        return "active"
    is_renewable = key.renewable_until is not None and key.renewable_until > now
    return "idle" if is_renewable else "expired"


class KeyColumns:
    @display(description="State", label=LABELS)
    def state(self, key: ApiKey) -> str:
        return key_state(key)

    @display(description="Scopes")
    def scope_names(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)


@admin.register(ApiKey)
class KeyAdmin(KeyColumns, ReadOnlyAdmin):
    list_display = ("prefix", "user", "name", "app_name", "scope_names", "state", "last_used_at")
    list_select_related = ("user",)
    list_filter = (("user", AutocompleteSelectFilter),)
    # Ordered by user, which is indexed. Ordering by time would sort all keys.
    ordering = ("user",)
    search_fields = ("prefix__exact", "user__user_id__startswith")
    search_help_text = "The first eleven characters of a key, or the start of a user id"
    fields = (
        "prefix", "user", "name", "app_name", "scope_names", "state", "created_at", "expires_at",
        "revoked_at", "last_used_at", "audience", "renewable_until",
    )  # fmt: skip
    readonly_fields = ("scope_names", "state")
    actions_detail = ("revoke",)
    audit_name_field = "prefix"

    def has_operate_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        allowed = super().has_operate_permission(request, obj)
        return allowed and (not isinstance(obj, ApiKey) or can_change_user(request.user, obj.user))

    @button(
        "Revoke",
        icon="key_off",
        description="The key stops working immediately. This cannot be undone.",
        variant=ActionVariant.DANGER,
        available_for=lambda key: key.revoked_at is None,
    )
    def revoke(self, request: HttpRequest, key: ApiKey, form: object) -> str:
        key.revoke()
        return f"Revoked key {key} of {key.user}."


class KeyInline(KeyColumns, TabularInline):
    model = ApiKey
    fields = ("key", "name", "app_name", "scope_names", "state", "expires_at", "last_used_at")
    readonly_fields = fields
    ordering = ("-created_at", "-id")
    verbose_name_plural = "keys"
    hide_title = True
    can_delete = False

    @display(description="Key")
    def key(self, key: ApiKey) -> str:
        return change_link(key, str(key))

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
