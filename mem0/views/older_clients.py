"""The calls of older clients: versions 1 and 2 of the API."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from rest_framework.response import Response

from accounts.authentication import AuthenticatedRequest
from core.errors import Malformed
from mem0.filter_condition import ENTITIES, Condition, read_condition

from .deletion_by_query import DeletesByQuery
from .many_memories import MemoriesViewSet
from .mem0_view import PageOf, read_number

# Of a query beside the ids. Others may be filters, and would widen what is read, were they ignored.
TAKEN = (
    "page", "page_size", "limit", "top_k", "categories", "keywords", "start_date", "end_date",
    "metadata", "fields", "show_expired", "latest_only", "org_id", "project_id", "source",
    "version", "api_version", "output_format", "async_mode", "enable_graph", "filter_memories",
)  # fmt: skip

FLAGS = {"true": True, "1": True, "false": False, "0": False, "": None}

# Of a list without pages, in the order of the list.
MAX_LISTED = 10_000


class OlderMemoriesViewSet(DeletesByQuery, MemoriesViewSet):
    safe_actions: ClassVar = {"list", "search", "list_by_query"}

    def create(self, request: AuthenticatedRequest) -> Response:
        is_done = self.body.get("infer") is False or self.body.get("async_mode") is False
        answer = self.add(waits=is_done)
        results = answer.pop("results", [answer])
        return Response(self._wrap(results if is_done else [answer]))

    def list(self, request: AuthenticatedRequest) -> Response:
        return self._answer_list(read_condition(self.body, self.tenant))

    def list_by_query(self, request: AuthenticatedRequest) -> Response:
        """The ids and the rest are in the query. Raises Malformed for what is not known."""
        for name, values in request.query_params.lists():
            if name not in (*ENTITIES, *TAKEN):
                raise Malformed(f"{name[:50]!r} is not known here.", field=name[:50])
            if len(values) > 1:
                raise Malformed(f"`{name}` is sent twice.", field=name)
        return self._answer_list(read_condition(self.body, self.tenant))

    def search(self, request: AuthenticatedRequest) -> Response:
        hits = self.find_hits(read_condition(self.body, self.tenant), threshold=None)
        return Response(self._wrap(hits))

    @property
    def body(self) -> Any:
        if self.action == "list_by_query":
            return _read_query(self.request.query_params.dict())
        return super().body

    def _answer_list(self, condition: Condition) -> Response:
        memories = self.find(condition)
        if self.parameter("page") and self.parameter("page_size"):
            return PageOf.of(self).answer(self.request, memories, self.show_list)
        limit = read_number(self.parameter("limit"), "limit", default=MAX_LISTED, most=MAX_LISTED)
        return Response(self.show_list(list(memories[:limit])))

    def _wrap(self, results: Sequence[Any]) -> Any:
        return {"results": results} if self.body.get("output_format") == "v1.1" else results


def _read_query(query: dict[str, str]) -> dict[str, Any]:
    """The values of a query, as those of a body. Raises Malformed."""
    values: dict[str, Any] = dict(query)
    for name in ("show_expired", "latest_only"):
        if name in query:
            values[name] = FLAGS.get(query[name].lower(), query[name])
    if "metadata" in query:
        try:
            values["metadata"] = json.loads(query["metadata"])
        except ValueError:
            raise Malformed("`metadata` is a JSON object.", field="metadata") from None
    return values
