from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from core.admin.model_admin import ReadOnlyAdmin

from .models import Delivery, Entity, Export, Feedback, Profile, Webhook


@admin.register(Webhook)
class WebhookAdmin(ReadOnlyAdmin):
    list_display = ("name", "account", "url", "event_types", "is_active", "created_at")
    list_select_related = ("account",)
    list_filter = (("account", AutocompleteSelectFilter),)
    ordering = ("account",)
    search_fields = ("name__startswith",)
    # Not the secret.
    fields = (
        "id", "account", "name", "url", "event_types", "is_active", "created_at", "updated_at",
    )  # fmt: skip
    audit_name_field = "name"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(admin.ModelAdmin.has_delete_permission(self, request, obj))


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "webhook", "event_type", "memory_id", "state", "attempts", "status", "error",
        "sent_at",
    )  # fmt: skip
    list_select_related = ("webhook",)
    list_filter = ("state", "event_type")
    ordering = ("webhook",)
    fields = (
        "id", "webhook", "user", "event_type", "memory_id", "state", "attempts", "status", "error",
        "created_at", "sent_at",
    )  # fmt: skip


@admin.register(Entity)
class EntityAdmin(ReadOnlyAdmin):
    list_display = ("name", "kind", "account", "created_at", "updated_at")
    list_select_related = ("account",)
    list_filter = ("kind", ("account", AutocompleteSelectFilter))
    ordering = ("account", "kind", "name")
    fields = ("account", "kind", "name", "user", "created_at", "updated_at")


@admin.register(Feedback)
class FeedbackAdmin(ReadOnlyAdmin):
    list_display = ("memory_id", "verdict", "reason", "given_at")
    list_filter = ("verdict",)
    ordering = ("memory",)
    fields = ("memory", "verdict", "reason", "given_at")


@admin.register(Export)
class ExportAdmin(ReadOnlyAdmin):
    list_display = ("id", "kind", "account", "app_name", "job", "created_at")
    list_select_related = ("account",)
    list_filter = ("kind", ("account", AutocompleteSelectFilter))
    ordering = ("account", "-created_at")
    # Not what it is made of: operators read memories one by one, which is logged.
    fields = ("id", "kind", "account", "app_name", "filters", "schema", "job", "created_at")


@admin.register(Profile)
class ProfileAdmin(ReadOnlyAdmin):
    list_display = ("user", "state", "generation_count", "error", "updated_at")
    list_select_related = ("user",)
    list_filter = ("state",)
    ordering = ("user",)
    fields = ("user", "state", "generation_count", "error", "job", "updated_at")
