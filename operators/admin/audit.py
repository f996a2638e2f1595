"""What operators did: in the admin, to the configuration by any way, and what is gone for good.

No page here quotes a memory, as nothing that is written there does.
"""

from __future__ import annotations

from django.contrib import admin
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from configuration.models import ConfigurationChange
from core.admin.model_admin import ReadOnlyAdmin
from operators.models import Receipt

DID = {ADDITION: "made", CHANGE: "changed", DELETION: "deleted"}


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyAdmin):
    list_display = ("action_time", "user", "did", "of", "object_repr", "what")
    list_select_related = ("user", "content_type")
    list_filter = ("action_flag", ("user", AutocompleteSelectFilter))
    ordering = ("-id",)
    search_fields = ("object_id__exact", "object_repr__startswith")
    search_help_text = "An id, or the beginning of a name"
    fields = ("action_time", "user", "did", "of", "object_repr", "object_id", "what")
    readonly_fields = ("did", "of", "what")

    @display(description="Did", label={"made": "success", "changed": "info", "deleted": "danger"})
    def did(self, entry: LogEntry) -> str:
        return DID[entry.action_flag]

    @display(description="Kind")
    def of(self, entry: LogEntry) -> str:
        return entry.content_type.name if entry.content_type else ""

    @display(description="What")
    def what(self, entry: LogEntry) -> str:
        return entry.get_change_message()


@admin.register(Receipt)
class ReceiptAdmin(ReadOnlyAdmin):
    """What was removed for good: how much, and never what it said."""

    list_display = ("made_at", "kind", "how_many", "made_by")
    list_select_related = ("made_by",)
    list_filter = ("kind",)
    ordering = ("-made_at", "-id")
    fields = ("made_at", "kind", "how_many", "memory_ids", "remarks", "subject", "act", "made_by")
    readonly_fields = ("how_many", "memory_ids")

    @display(description="Removed")
    def how_many(self, receipt: Receipt) -> str:
        counts = receipt.counts.items()
        return ", ".join(f"{number:,} {name}" for name, number in sorted(counts))

    @display(description="Ids of memories")
    def memory_ids(self, receipt: Receipt) -> str:
        return ", ".join(map(str, receipt.memories))


@admin.register(ConfigurationChange)
class ConfigurationChangeAdmin(ReadOnlyAdmin):
    list_display = ("changed_at", "operator", "fields_changed")
    ordering = ("-id",)
    search_fields = ("operator__exact",)
    search_help_text = "The user id of an operator"
    fields = ("changed_at", "operator", "changes")

    @display(description="Changed")
    def fields_changed(self, change: ConfigurationChange) -> str:
        return ", ".join(step["field"] for step in change.changes)
