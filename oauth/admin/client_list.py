from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display
from unfold.enums import ActionVariant

from core.admin.buttons import button
from core.admin.model_admin import ReadOnlyAdmin
from oauth.block_client import block_client, unblock_client
from oauth.models import OAuthClient


@admin.register(OAuthClient)
class OAuthClientAdmin(ReadOnlyAdmin):
    list_display = ("name", "origin", "auth_method", "state", "created_at")
    ordering = ("-created_at",)
    search_fields = ("client_id__startswith",)
    search_help_text = "The start of a client id, such as https://claude.ai"
    fields = (
        "name", "client_id", "origin", "state", "auth_method", "keys_uri", "redirect_addresses",
        "created_at", "fetched_at", "blocked_at",
    )  # fmt: skip
    readonly_fields = ("origin", "state", "redirect_addresses")
    actions_detail = ("block", "unblock")
    audit_name_field = "client_id"

    @display(description="Origin")
    def origin(self, client: OAuthClient) -> str:
        return client.document_host or "registered itself"

    @display(description="State", label={"allowed": "success", "blocked": "danger"})
    def state(self, client: OAuthClient) -> str:
        return "blocked" if client.blocked_at else "allowed"

    @display(description="Redirect URIs")
    def redirect_addresses(self, client: OAuthClient) -> str:
        return "\n".join(client.redirect_uris)

    @button(
        "Block",
        icon="block",
        description="Ends all connections of this program. Nobody can connect it again.",
        variant=ActionVariant.DANGER,
        available_for=lambda client: client.blocked_at is None,
    )
    def block(self, request: HttpRequest, client: OAuthClient, form: object) -> str:
        number = block_client(client)
        return f"Blocked {client} and ended {number} connections."

    @button(
        "Allow again",
        icon="check",
        description="Persons can connect this program again. Ended connections remain ended.",
        available_for=lambda client: client.blocked_at is not None,
    )
    def unblock(self, request: HttpRequest, client: OAuthClient, form: object) -> str:
        unblock_client(client)
        return f"Allowed {client} again."
