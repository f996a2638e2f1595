from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import template
from django.utils.text import capfirst

from core.admin.navigation import find_title

register = template.Library()

# What a page of a model adds to its list and its object.
LAST = {"add": "Add", "edit": "Edit", "history": "History", "start": "Migrate", "merge": "Merge"}


@register.simple_tag(takes_context=True)
def page_crumbs(context: Mapping[str, Any], parts: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The way to a page of a model, by the names of the sidebar. Apps of Django are no pages."""
    match = context["request"].resolver_match
    name = match.url_name if match else None
    if len(parts) < 2:
        return list(parts)
    _app, models, *objects = parts
    title = find_title(name or "") or capfirst(str(models["title"]))
    last = LAST.get((name or "").rpartition("_")[2])
    return [{**models, "title": title}, *objects, *([{"title": last}] if last else [])]
