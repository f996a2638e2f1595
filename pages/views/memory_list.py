"""The memories of a person at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.text import Truncator
from django.utils.translation import gettext

from memories.access.reader import Reader
from memories.models import Memory, State
from pages.hit_reasons import describe_hit
from pages.memory_query import MAX_HITS, MemoryQueryForm
from pages.page_view import PageView
from pages.templatetags.page_tags import moment, state_name

RESULTS = "results"  # the element that a search replaces while it is typed


# Characters of a memory's text in the list, and in the names of its buttons.
MAX_TEXT, MAX_NAME = 400, 60


def _row(memory: Memory, reasons: Sequence[str] = ()) -> dict[str, Any]:
    """What the list shows of a memory: computed here, as templates are slow at it."""
    text, state = memory.content, memory.state
    is_active = state == State.ACTIVE
    badges = [("badge", name) for name in memory.category_names]
    if memory.metadata.get("pinned") is True:
        badges.append(("badge good", gettext("pinned")))
    if memory.immutable:
        badges.append(("badge", gettext("locked")))
    if not is_active:
        badges.append(("badge warn", state_name(state)))
    return {
        "pk": str(memory.pk),
        "state": state,
        "text": _shorten(text, MAX_TEXT),
        "name": _shorten(text, MAX_NAME),
        "reasons": reasons,
        "time": moment(memory.created_at),
        "from": [memory.app.name, memory.actor] if memory.actor else [memory.app.name],
        "badges": badges,
        "do": "pause" if is_active else "resume",
        "say": gettext("Pause") if is_active else gettext("Resume"),
    }


def _shorten(text: str, length: int) -> str:
    return text if len(text) <= length else Truncator(text).chars(length)


class MemoryListView(PageView):
    section = "memories"

    def get(self, request: HttpRequest) -> HttpResponse:
        form = MemoryQueryForm(request.GET, user=self.subject)
        is_part = self.request.htmx.target == RESULTS
        template = "pages/memories/found.html" if is_part else "pages/memories/list.html"
        is_valid = form.is_valid()
        context = load_list(form, self.reader) if is_valid else {}
        # The browser's own address bar shows no parameters that are empty.
        response = self.render(template, {"form": form, **context}, status=200 if is_valid else 400)
        if is_part:
            response.headers["HX-Push-Url"] = _address(request)
            response.status_code = 200  # what is wrong is shown in place of the results
        return response


def load_list(form: MemoryQueryForm, reader: Reader) -> dict[str, Any]:
    """What a valid form finds: the best hits of a search, or a page of all that match."""
    query = form.query()
    context: dict[str, Any] = {"query": query, "address": form.address()}
    if query.is_search:
        result = query.find(reader)
        rows = [_row(hit.memory, describe_hit(hit)) for hit in result.hits]
        return {
            **context,
            "rows": rows,
            "total": len(rows),
            "is_full": len(rows) == MAX_HITS,
            "result": result,
        }
    page = query.fetch_page(reader)
    return {
        **context,
        "rows": [_row(memory) for memory in page.items],
        "total": page.total,
        "page": page,
        "first": (page.page - 1) * page.size + 1,
        "last": (page.page - 1) * page.size + len(page.items),
    }


def _address(request: HttpRequest) -> str:
    query = request.GET.copy()
    for name in [name for name, value in query.items() if not value]:
        del query[name]
    return f"{request.path}?{query.urlencode()}" if query else request.path
