"""The sidebar of the admin: its groups, links and their order.

Links to pages that are not registered, or not visible to an operator, are left out.
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
    """A link to the list of a model, such as `memories.memory`, or to a page by its name."""

    title: str
    icon: str  # from Material Symbols
    target: str


@dataclass(frozen=True)
class Group:
    title: str
    items: tuple[Item, ...]


GROUPS = (
    Group("", (Item("Dashboard", "space_dashboard", "index"),)),
    Group(
        "Memories",
        (
            Item("Memories", "psychology", "memories.memory"),
            Item("Categories", "category", "memories.category"),
            Item("Archive policies", "inventory_2", "memories.archivepolicy"),
            Item("Log of changes", "link", "memories.logline"),
        ),
    ),
    Group(
        "Access",
        (
            Item("Users", "group", "accounts.user"),
            Item("API keys", "key", "accounts.apikey"),
            Item("Connections", "cable", "oauth.connection"),
            Item("Clients", "app_registration", "oauth.oauthclient"),
            Item("Apps", "apps", "apps_registry.app"),
            Item("Access rules", "rule", "apps_registry.accessrule"),
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
            Item("Import", "move_to_inbox", "import-from"),
        ),
    ),
    Group(
        "Clients of Mem0",
        (
            Item("Entities", "person_pin", "mem0.entity"),
            Item("Webhooks", "webhook", "mem0.webhook"),
            Item("Deliveries", "outbox", "mem0.delivery"),
            Item("Feedback", "thumbs_up_down", "mem0.feedback"),
            Item("Exports", "ios_share", "mem0.export"),
            Item("Profiles", "badge", "mem0.profile"),
        ),
    ),
    Group(
        "Operators",
        (
            Item("Audit log", "history", "admin.logentry"),
            Item("Configuration changes", "manage_history", "configuration.configurationchange"),
            Item("Receipts", "receipt_long", "operators.receipt"),
            Item("Groups", "admin_panel_settings", "auth.group"),
        ),
    ),
)


def find_title(url_name: str) -> str | None:
    """The title of the list that a page such as `memories_memory_change` belongs to."""
    names = {item.target.replace(".", "_"): item.title for group in GROUPS for item in group.items}
    fitting = [name for name in names if url_name.startswith(f"{name}_")]
    return names[max(fitting, key=len)] if fitting else None


def build_sidebar(site: AdminSite, request: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar for this operator, in the format of Unfold's template."""
    return [{"title": group.title, "items": list(_items(group, site, request))} for group in GROUPS]


def _items(group: Group, site: AdminSite, request: HttpRequest) -> Iterator[dict[str, Any]]:
    for item in group.items:
        url = target_url(item.target, site, request)
        if url:
            path = request.path
            active = path == url if item.target == "index" else path.startswith(url)
            yield {
                "title": item.title,
                "icon": item.icon,
                "link": url,
                "active": active,
                "has_permission": True,
            }


def target_url(target: str, site: AdminSite, request: HttpRequest) -> str | None:
    """The URL of a target, or None if it does not exist for this operator."""
    if "." in target:
        return _list_url(target, site, request)
    page: type[Page] | None = getattr(site, "pages", {}).get(target)
    if page and not page.allows(request):
        return None
    try:
        return reverse(f"{site.name}:{target}")
    except NoReverseMatch:
        return None


def _list_url(label: str, site: AdminSite, request: HttpRequest) -> str | None:
    try:
        model = apps.get_model(label)
    except LookupError:
        return None
    model_admin = site._registry.get(model)
    if model_admin is None or not model_admin.has_view_or_change_permission(request):
        return None
    return reverse(f"{site.name}:{model._meta.app_label}_{model._meta.model_name}_changelist")
