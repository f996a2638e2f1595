"""The log of changes, as the database wrote it. It quotes no memory."""

from __future__ import annotations

from django.contrib import admin
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from core.admin.model_admin import ReadOnlyAdmin
from memories.models import LogLine


@admin.register(LogLine)
class LogLineAdmin(ReadOnlyAdmin):
    list_display = ("at", "user", "sequence", "kind", "memory_id", "by", "app")
    list_display_links = ("at",)
    list_select_related = ("user", "by", "app")
    list_filter = ("kind", ("user", AutocompleteSelectFilter))
    ordering = ("-id",)
    search_fields = ("memory_id__exact",)
    search_help_text = "The id of a memory"
    fields = (
        "at", "user", "sequence", "kind", "memory_id", "by", "key", "app", "content_digest",
        "digest_before", "digest",
    )  # fmt: skip
    readonly_fields = ("content_digest", "digest_before", "digest")

    @display(description="Hash of the content")
    def content_digest(self, line: LogLine) -> str:
        return bytes(line.content_hash).hex()

    @display(description="Hash of the line before")
    def digest_before(self, line: LogLine) -> str:
        return bytes(line.previous_hash).hex()

    @display(description="Hash of the line")
    def digest(self, line: LogLine) -> str:
        return bytes(line.hash).hex()
