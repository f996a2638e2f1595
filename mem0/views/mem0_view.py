"""The base of all calls of Mem0's API."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.utils.functional import cached_property
from rest_framework import viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import AuthenticatedRequest
from accounts.keyed_view import KeyedView
from core.api.problems import Fault
from core.api.whole_number import parse_whole_number
from core.errors import Malformed, NotFound
from mem0.tenant import Tenant
from mem0.token_key import TokenAuthentication

MAX_PAGE_SIZE = 200
DEFAULT_PAGE_SIZE = 100
MAX_PAGE = 2**31 - 1


class InvalidPage(NotFound):
    """Invalid page."""

    code = "invalid_page"


class DialectViewSet(KeyedView, viewsets.ViewSet):
    """Unlike the server's own API, this one ignores unknown fields of a body, as Mem0 does."""

    schema: Any = None  # another API, which Mem0 documents
    authentication_classes = [TokenAuthentication]

    request: AuthenticatedRequest

    def _query_faults(self, request: Request) -> list[Fault]:
        return []

    def _body_faults(self, request: Request) -> list[Fault]:
        return []

    @cached_property
    def tenant(self) -> Tenant:
        return Tenant(self.request.auth)

    @property
    def body(self) -> Mapping[str, Any]:
        data = self.request.data
        if not isinstance(data, Mapping):
            raise Malformed("Send a JSON object.")
        return data

    def parameter(self, name: str) -> Any:
        """A parameter of the query, else of the body."""
        value = self.request.query_params.get(name)
        return self.body.get(name) if value is None else value


@dataclass(frozen=True)
class PageOf:
    """A page of rows, in the envelope of Mem0's API."""

    number: int
    size: int

    @classmethod
    def of(cls, view: DialectViewSet, *, default_size: int = DEFAULT_PAGE_SIZE) -> PageOf:
        """Raises Malformed."""
        number = read_number(view.parameter("page"), "page", default=1, most=MAX_PAGE)
        size = read_number(
            view.parameter("page_size"), "page_size", default=default_size, most=MAX_PAGE
        )
        return cls(number, min(size, max(MAX_PAGE_SIZE, default_size)))

    def answer(
        self, request: Request, rows: Any, show: Callable[[Sequence[Any]], Sequence[Any]]
    ) -> Response:
        """Raises InvalidPage beyond the last page."""
        total = rows.count()
        begin = (self.number - 1) * self.size
        if begin >= total and self.number > 1:
            raise InvalidPage
        results = show(list(rows[begin : begin + self.size]))
        return Response(
            {
                "count": total,
                "next": self._link(request, 1) if begin + self.size < total else None,
                "previous": self._link(request, -1) if self.number > 1 else None,
                "results": results,
            }
        )

    def _link(self, request: Request, step: int) -> str:
        query = {**request.query_params.dict(), "page": self.number + step, "page_size": self.size}
        path = "/" + request.path.strip("/") + "/"  # clients follow no redirect to the last slash
        return request.build_absolute_uri(f"{path}?{urlencode(query)}")


def read_number(value: Any, name: str, *, default: int, most: int, least: int = 1) -> int:
    """Read a whole number of a query or a body. Raises Malformed."""
    if value is None or value == "":
        return default
    number = parse_whole_number(value)
    if number is None or not least <= number <= most:
        raise Malformed(f"`{name}` is a whole number from {least} to {most}.", field=name)
    return number
