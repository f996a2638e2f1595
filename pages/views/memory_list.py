"""The memories of a person at a glance."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from memories.access.reader import Reader
from pages.hit_reasons import describe_hit
from pages.list_row import Row, render_rows
from pages.memory_query import MAX_HITS, MemoryQueryForm
from pages.page_view import PageView

RESULTS = "results"  # the element that a search replaces while it is typed


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
        rows = [Row(hit.memory, describe_hit(hit)) for hit in result.hits]
        return {
            **context,
            "rows": render_rows(rows, question=query.text),
            "total": len(rows),
            "is_full": len(rows) == MAX_HITS,
            "result": result,
        }
    page = query.fetch_page(reader)
    return {
        **context,
        "rows": render_rows(map(Row, page.items)),
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
