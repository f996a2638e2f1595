"""The audit log of the admin, changes of the configuration, and receipts of removed data.

None of them quotes a memory.
"""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from configuration.models import ConfigurationChange
from core.admin.model_admin import ReadOnlyAdmin
from operators.models import Receipt
from operators.removed_words import describe_removed

ACTIONS = {ADDITION: "added", CHANGE: "changed", DELETION: "deleted"}


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyAdmin):
    list_display = ("action_time", "user", "action", "object_type", "object_name", "message")
    list_select_related = ("user", "content_type")
    list_filter = ("action_flag", ("user", AutocompleteSelectFilter))
    ordering = ("-id",)
    search_fields = ("object_id__exact", "object_repr__startswith")
    search_help_text = "An id, or the start of a name"
    fields = ("action_time", "user", "action", "object_type", "object_name", "object_id", "message")
    readonly_fields = ("action", "object_type", "object_name", "message")

    @display(
        description="Action", label={"added": "success", "changed": "info", "deleted": "danger"}
    )
    def action(self, entry: LogEntry) -> str:
        return ACTIONS[entry.action_flag]

    @display(description="Type")
    def object_type(self, entry: LogEntry) -> str:
        return entry.content_type.name if entry.content_type else ""

    @display(description="Name")
    def object_name(self, entry: LogEntry) -> str:
        return entry.object_repr

    @display(description="Message")
    def message(self, entry: LogEntry) -> str:
        return entry.get_change_message()


@admin.register(Receipt)
class ReceiptAdmin(ReadOnlyAdmin):
    """Receipts of removed data: how much was removed, never its content."""

    list_display = ("made_at", "kind", "removed", "made_by")
    list_select_related = ("made_by",)
    list_filter = ("kind",)
    ordering = ("-made_at", "-id")
    fields = (
        "made_at", "kind", "removed", "memory_ids", "lines", "remarks", "subject", "act", "made_by",
    )  # fmt: skip
    readonly_fields = ("removed", "memory_ids", "lines")

    @display(description="Removed")
    def removed(self, receipt: Receipt) -> str:
        return ", ".join(describe_removed(receipt.counts))

    @display(description="Ids of memories")
    def memory_ids(self, receipt: Receipt) -> str:
        return ", ".join(map(str, receipt.memories))

    @display(description="Lines of the log")
    def lines(self, receipt: Receipt) -> str:
        return ", ".join(map(str, receipt.log_lines))


@admin.register(ConfigurationChange)
class ConfigurationChangeAdmin(ReadOnlyAdmin):
    list_display = ("changed_at", "operator", "fields_changed")
    ordering = ("-id",)
    search_fields = ("operator__exact",)
    search_help_text = "The user id of an operator"
    fields = ("changed_at", "operator", "values")
    readonly_fields = ("values",)

    @display(description="Values")
    def values(self, change: ConfigurationChange) -> SafeString:
        """Each field with what it was and what it became. Secrets are masked."""
        rows = (
            (each["field"], _show_value(each.get("old")), _show_value(each.get("new")))
            for each in change.changes
        )
        return format_html_join("", "<p><strong>{}</strong>: {} → {}</p>", rows)

    @display(description="Changed")
    def fields_changed(self, change: ConfigurationChange) -> str:
        return ", ".join(field_change["field"] for field_change in change.changes)


def _show_value(value: Any) -> str:
    """A value of the configuration in words: None is the default."""
    if value is None:
        return "the default"
    if isinstance(value, bool):
        return "on" if value else "off"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
