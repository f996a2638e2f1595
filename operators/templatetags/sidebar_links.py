from __future__ import annotations

from typing import Any

from django import template
from django.contrib import admin

from core.admin import navigation

register = template.Library()


@register.simple_tag(takes_context=True)
def sidebar_link(context: dict[str, Any], target: str) -> str | None:
    """The URL of a target of the sidebar, or None if the operator cannot access it."""
    return navigation.target_url(target, admin.site, context["request"]) if target else None
