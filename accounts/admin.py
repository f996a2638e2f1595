from __future__ import annotations

from django.contrib import admin
from django.contrib.auth import admin as djangos  # noqa: F401 - registers what is replaced here
from django.contrib.auth.models import Group

from openmemory.admin.options import ModelAdmin

from .models import User

admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(ModelAdmin):
    list_display = ("user_id", "name", "email", "is_active", "is_staff", "created_at")
    ordering = ("user_id",)
    search_fields = ("user_id__startswith",)
    fields = ("user_id", "name", "email", "metadata", "is_active")
    audited_as = "user_id"


@admin.register(Group)
class GroupAdmin(ModelAdmin):
    list_display = ("name",)
    ordering = ("name",)
    search_fields = ("name__startswith",)
    filter_horizontal = ("permissions",)
    listed_fields = ("permissions",)
    audited_as = "name"
