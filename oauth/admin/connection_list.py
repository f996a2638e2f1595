from __future__ import annotations

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display
from unfold.enums import ActionVariant

from accounts.admin.keys import LABELS, key_state
from accounts.models import User
from accounts.roles import can_change_user
from core.admin.buttons import button
from core.admin.links import change_link
from core.admin.model_admin import ReadOnlyAdmin
from oauth.models import Connection


@admin.register(Connection)
class ConnectionAdmin(ReadOnlyAdmin):
    list_display = ("client", "user", "app", "scope_names", "state", "last_used_at")
    list_select_related = ("client", "key__user")
    list_filter = (
        ("key__user", AutocompleteSelectFilter),
        ("client", AutocompleteSelectFilter),
    )
    ordering = ("key",)
    search_fields = ("key__prefix__exact", "key__user__user_id__startswith")
    search_help_text = "The first eleven characters of a token, or the start of a user id"
    fields = (
        "client", "user", "token", "app", "scope_names", "resource", "state", "created_at",
        "renewed_at", "last_used_at",
    )  # fmt: skip
    readonly_fields = ("user", "token", "app", "scope_names", "state", "last_used_at")
    actions_detail = ("revoke",)

    def has_operate_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        allowed = super().has_operate_permission(request, obj)
        return allowed and (
            not isinstance(obj, Connection) or can_change_user(request.user, obj.key.user)
        )

    @display(description="User")
    def user(self, connection: Connection) -> User:
        return connection.key.user

    @display(description="Token")
    def token(self, connection: Connection) -> str:
        return change_link(connection.key, str(connection.key))

    @display(description="App")
    def app(self, connection: Connection) -> str:
        return connection.key.app_name

    @display(description="Scopes")
    def scope_names(self, connection: Connection) -> str:
        return ", ".join(connection.scopes)

    @display(description="State", label=LABELS)
    def state(self, connection: Connection) -> str:
        return key_state(connection.key)

    @display(description="Last used")
    def last_used_at(self, connection: Connection) -> object:
        return connection.key.last_used_at

    @button(
        "End",
        icon="link_off",
        description="The program has no access from its next call on. This cannot be undone.",
        variant=ActionVariant.DANGER,
        available_for=lambda connection: connection.key.revoked_at is None,
    )
    def revoke(self, request: HttpRequest, connection: Connection, form: object) -> str:
        connection.key.revoke()
        return f"Ended the connection of {connection}."
