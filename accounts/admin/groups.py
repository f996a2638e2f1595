from __future__ import annotations

from django.contrib import admin
from django.contrib.auth import admin as auth_admin  # noqa: F401 - registers the page replaced here
from django.contrib.auth.models import Group
from django.http import HttpRequest

from core.admin.model_admin import ModelAdmin

admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(ModelAdmin):
    """Permissions of staff who are not full operators."""

    list_display = ("name",)
    ordering = ("name",)
    search_fields = ("name__startswith",)
    select_fields = ("permissions",)
    audit_name_field = "name"

    # An operator who can grant permissions could grant any to themselves.
    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return request.user.is_superuser
