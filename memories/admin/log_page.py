"""The log of changes, as the database wrote it. It quotes no memory."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from core.admin.buttons import button
from core.admin.model_admin import ReadOnlyAdmin
from core.quantities import with_noun
from memories.lifecycle.undo_lines import undo_line, undo_run
from memories.models import LogLine

from .acting_operator import operator


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
        "at", "user", "sequence", "kind", "memory_id", "by", "key", "app", "run", "content_digest",
        "digest_before", "digest",
    )  # fmt: skip
    actions_detail = ("undo", "undo_all")
    readonly_fields = ("content_digest", "digest_before", "digest")

    @button(
        "Undo",
        icon="undo",
        description="The memory is again as it was before this change; one that was stored is "
        "deleted. It is refused if the memory has changed since. The undo is a change itself, "
        "which the log shows.",
    )
    def undo(self, request: HttpRequest, line: LogLine, form: object) -> str:
        count = undo_line(line.sequence, user=line.user, by=operator(request))
        return _describe(count)

    @button(
        "Undo the whole run",
        icon="settings_backup_restore",
        description="All changes of the run of inference, or of the import, that this line is part "
        "of are taken back, or none.",
        available_for=lambda line: line.run is not None,
    )
    def undo_all(self, request: HttpRequest, line: LogLine, form: object) -> str:
        count = undo_run(line.sequence, user=line.user, by=operator(request))
        return _describe(count)

    @display(description="Hash of the content")
    def content_digest(self, line: LogLine) -> str:
        return bytes(line.content_hash).hex()

    @display(description="Hash of the line before")
    def digest_before(self, line: LogLine) -> str:
        return bytes(line.previous_hash).hex()

    @display(description="Hash of the line")
    def digest(self, line: LogLine) -> str:
        return bytes(line.hash).hex()


def _describe(count: int) -> str:
    return f"Changes of {with_noun(count, 'memory', 'memories')} were taken back."
