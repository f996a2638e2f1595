"""Change one memory, the selected ones, or all that match, and take a change back."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from memories.models.memory import MemoryQuerySet
from pages.memory_change import VERBS, UnknownChange, change_memories, normal_category, undo
from pages.memory_query import MemoryQueryForm
from pages.page_view import PageView, own_path

# As many as a page of the list shows.
MAX_SELECTED = 100
MAX_ADDRESS = 8000


class ChangeView(PageView):
    """`do` is a verb, or a verb and the id of the one memory that it is done to.

    What is selected is changed at once, and can be undone. For all that match, the page first says
    how many these are.
    """

    section = "memories"

    def post(self, request: HttpRequest) -> HttpResponse:
        verb, _space, single = request.POST.get("do", "").partition(" ")
        if verb not in VERBS:
            raise UnknownChange
        category = request.POST.get("category", "")
        if verb == "tag":
            normal_category(category)
        is_all = request.POST.get("scope") == "all" and not single
        memories = self._all() if is_all else self._selected(single)
        count = memories.count()
        next_path = own_path(request.POST.get("next", ""))
        if verb == "delete" and single and next_path == reverse("pages:memory", args=[single]):
            next_path = reverse("pages:memories")  # its page is gone with it
        if not count:
            self.say(_("Nothing was selected."))
            return HttpResponseRedirect(next_path)
        # The number may have changed since it was said.
        if is_all and request.POST.get("count") != str(count):
            return self._ask(verb, count, next_path)
        done = change_memories(
            verb, memories, reader=self.reader, by=self.person, category=category
        )
        self.say(VERBS[verb].outcome % {"count": done.count}, undo=done.undo)
        return HttpResponseRedirect(next_path)

    def _selected(self, single: str) -> MemoryQuerySet:
        values = [single] if single else self.request.POST.getlist("ids")[: MAX_SELECTED + 1]
        if len(values) > MAX_SELECTED:
            raise UnknownChange
        try:
            ids = {uuid.UUID(value) for value in values}
        except ValueError:
            raise UnknownChange from None
        return self.reader.memories().undeleted().exactly(ids)

    def _all(self) -> MemoryQuerySet:
        """All that match. A search has no end, so that only what it shows can be selected."""
        form = MemoryQueryForm(_parse(self.request.POST.get("query", "")), user=self.subject)
        if not form.is_valid():
            raise UnknownChange
        query = form.query()
        if query.is_search:
            raise UnknownChange
        return query.memories(self.reader)

    def _ask(self, verb: str, count: int, next_path: str) -> HttpResponse:
        context: dict[str, Any] = {
            "verb": VERBS[verb],
            "do": verb,
            "question": VERBS[verb].question % {"count": count},
            "count": count,
            "query": self.request.POST.get("query", ""),
            "category": self.request.POST.get("category", ""),
            "next": next_path,
            "is_recounted": bool(self.request.POST.get("count")),
        }
        return self.render("pages/memories/confirm.html", context)


class UndoView(PageView):
    section = "memories"

    def post(self, request: HttpRequest) -> HttpResponse:
        count = undo(request.POST.get("token", ""), reader=self.reader, by=self.person)
        text = ngettext(
            "%(count)d memory is as it was before.", "%(count)d memories are as they were before.",
            count,
        )  # fmt: skip
        self.say(text % {"count": count})
        return HttpResponseRedirect(own_path(request.POST.get("next", "")))


def _parse(address: str) -> QueryDict:
    if len(address) > MAX_ADDRESS:
        raise UnknownChange
    return QueryDict(address)
