"""The log: every change of a person's memories, the newest first, and taking one back."""

from __future__ import annotations

from typing import Any

from django.db.models.fields.json import KT
from django.db.models.functions import Left
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from core.errors import Conflict
from memories.lifecycle.undo_lines import LEFT_ALONE, ChangedSince, undo_line, undo_run
from memories.models import LogLine
from pages.page_view import PageView

SHOWN = 50
MAX_TEXT = 300
MAX_SEQUENCE = 2**63 - 1

KINDS: dict[str, str | Promise] = {
    LogLine.Kind.KNOWN: _("Known when the log began"),
    LogLine.Kind.STORED: _("Stored"),
    LogLine.Kind.REVISED: _("Edited"),
    LogLine.Kind.STATE: _("State changed"),
    LogLine.Kind.SUPERSEDED: _("Replaced by a later memory"),
    LogLine.Kind.CATEGORIES: _("Categories changed"),
    LogLine.Kind.METADATA: _("Metadata changed"),
    LogLine.Kind.OWN_KEY: _("Key changed"),
    LogLine.Kind.PURGED: _("Removed for good"),
    LogLine.Kind.ERASED: _("Erased"),
    LogLine.Kind.RENAMED: _("A category was renamed"),
    LogLine.Kind.IMPORTED: _("Imported with the log of a former server"),
    LogLine.Kind.READ: _("Read"),
}
FINAL = (*LEFT_ALONE, LogLine.Kind.PURGED, LogLine.Kind.ERASED)


class ChangedSinceThen(Conflict):
    """A later change stands on this one. Take back the later one first."""

    code = "changed_since"


class LogView(PageView):
    section = "log"

    def get(self, request: HttpRequest) -> HttpResponse:
        before = _parse_sequence(request.GET.get("before", ""))
        lines: Any = LogLine.objects.of_user(self.subject)
        if before is not None:
            lines = lines.filter(sequence__lt=before)
        lines = lines.annotate(text=Left(KT("snapshot__content"), MAX_TEXT)).defer("snapshot")
        found = list(lines.select_related("by", "key", "app").order_by("-sequence")[: SHOWN + 1])
        shown = found[:SHOWN]
        ids = {line.memory_id for line in shown}
        memories = self.reader.memories().filter(pk__in=ids).values_list("pk", flat=True)
        context = {
            "rows": [(line, KINDS.get(line.kind, line.kind), _can_undo(line)) for line in shown],
            "opened": set(memories),
            "next": shown[-1].sequence if len(found) > SHOWN else None,
            "is_newest": before is None,
        }
        return self.render("pages/log.html", context)


class UndoLineView(PageView):
    section = "log"

    def post(self, request: HttpRequest, sequence: int) -> HttpResponse:
        take_back = undo_run if request.POST.get("do") == "run" else undo_line
        try:
            count = take_back(min(sequence, MAX_SEQUENCE), user=self.subject, by=self.person)
        except ChangedSince as error:
            raise ChangedSinceThen from error
        text = ngettext(
            "%(count)d memory is as it was before.", "%(count)d memories are as they were before.",
            count,
        )  # fmt: skip
        self.say(text % {"count": count})
        return HttpResponseRedirect(reverse("pages:log"))


def _can_undo(line: LogLine) -> bool:
    """Whether it is the last change of a memory, and says how that was before."""
    is_last = line.memory_id is not None and line.until is None
    return is_last and line.salt is not None and line.kind not in FINAL


def _parse_sequence(text: str) -> int | None:
    is_number = text.isascii() and text.isdecimal() and len(text) < 20
    return min(int(text), MAX_SEQUENCE) if is_number else None
