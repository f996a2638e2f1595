from __future__ import annotations

from django.contrib import admin
from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html


def change_url(obj: Model) -> str:
    """The URL of an object's page in the admin."""
    name = f"{obj._meta.app_label}_{obj._meta.model_name}_change"
    return reverse(f"{admin.site.name}:{name}", args=[obj.pk])


def change_link(obj: Model, text: str) -> str:
    return format_html(
        '<a href="{}" class="text-primary-600 dark:text-primary-500">{}</a>', change_url(obj), text
    )
