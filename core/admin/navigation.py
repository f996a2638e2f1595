"""What stands in the sidebar, and in which order: the only place that says so.

What is not registered yet, and what an operator may not see, is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib.admin.sites import AdminSite
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from .pages import Page


@dataclass(frozen=True)
class Item:
    """A link to the list of a model, as `memories.memory`, or to a page by its name."""

    title: str
    icon: str  # a name of Material Symbols
    target: str


@dataclass(frozen=True)
class Group:
    title: str
    items: tuple[Item, ...]


GROUPS = (
    Group("", (Item("Front page", "space_dashboard", "index"),)),
    Group(
        "Memories",
        (
            Item("Memories", "psychology", "memories.memory"),
            Item("Categories", "category", "memories.category"),
            Item("Archive policies", "inventory_2", "memories.archivepolicy"),
        ),
    ),
    Group(
        "Who and what calls",
        (
            Item("Users", "group", "accounts.user"),
            Item("Keys", "key", "accounts.apikey"),
            Item("Apps", "apps", "apps_registry.app"),
            Item("Rules", "rule", "apps_registry.accessrule"),
        ),
    ),
    Group(
        "Models",
        (
            Item("Configuration", "tune", "configuration"),
            Item("Embedding spaces", "scatter_plot", "memories.embeddingspace"),
        ),
    ),
    Group(
        "Background",
        (
            Item("Jobs", "work_history", "jobs.job"),
            Item("Backups", "backup", "backups"),
        ),
    ),
    Group(
        "Operators",
        (
            Item("What was done here", "history", "admin.logentry"),
            Item("Configuration changes", "manage_history", "configuration.configurationchange"),
            Item("Receipts of removals", "receipt_long", "operators.receipt"),
            Item("Groups", "admin_panel_settings", "auth.group"),
        ),
    ),
)


def build_sidebar(site: AdminSite, request: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar of this operator, as Unfold's template reads it."""
    return [{"title": group.title, "items": list(_items(group, site, request))} for group in GROUPS]


def _items(group: Group, site: AdminSite, request: HttpRequest) -> Iterator[dict[str, Any]]:
    for item in group.items:
        address = target_url(item.target, site, request)
        if address:
            path = request.path
            here = path == address if item.target == "index" else path.startswith(address)
            yield {
                "title": item.title,
                "icon": item.icon,
                "link": address,
                "active": here,
                "has_permission": True,
            }


def target_url(target: str, site: AdminSite, request: HttpRequest) -> str | None:
    """The address of a target, or None when it is not there for this operator."""
    if "." in target:
        return _list(target, site, request)
    page: type[Page] | None = getattr(site, "pages", {}).get(target)
    if page and not page.allows(request):
        return None
    try:
        return reverse(f"{site.name}:{target}")
    except NoReverseMatch:
        return None


def _list(label: str, site: AdminSite, request: HttpRequest) -> str | None:
    try:
        model = apps.get_model(label)
    except LookupError:
        return None
    declared = site._registry.get(model)
    if declared is None or not declared.has_view_or_change_permission(request):
        return None
    return reverse(f"{site.name}:{model._meta.app_label}_{model._meta.model_name}_changelist")
