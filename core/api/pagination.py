"""Pages of a list: which page a request asks for, fetching it, and its envelope."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .whole_number import parse_whole_number

DEFAULT_SIZE = 10
MAX_SIZE = 100

# Keeps the offset of the last page within PostgreSQL's bigint.
MAX_PAGE = 2**31 - 1

_MAXIMA = {"page": MAX_PAGE, "page_size": MAX_SIZE, "size": MAX_SIZE}
PARAMETERS = tuple(_MAXIMA)


@dataclass(frozen=True)
class PageRequest:
    """The number of the requested page, from 1, and the size of a page."""

    page: int = 1
    size: int = DEFAULT_SIZE


@dataclass(frozen=True)
class Page:
    items: Sequence[Any]
    total: int
    page: int
    size: int

    @property
    def pages(self) -> int:
        return -(-self.total // self.size)


def parse_page_request(
    params: Mapping[str, Any], *, default_size: int = DEFAULT_SIZE
) -> PageRequest:
    """Parse `page` and `page_size`, or its alias `size`, of a query or a body.

    Raises ValidationError for all invalid parameters at once.
    """
    # What is no number is 0, which is out of range, too.
    numbers = {name: parse_whole_number(params[name]) or 0 for name in _MAXIMA if name in params}
    faults = {
        name: [ErrorDetail(f"Send a whole number from 1 to {_MAXIMA[name]}.", "out_of_range")]
        for name, number in numbers.items()
        if not 1 <= number <= _MAXIMA[name]
    }
    sizes = {numbers[name] for name in ("page_size", "size") if name in numbers}
    if len(sizes) > 1 and not faults:
        message = "`size` is an alias of `page_size`, but their values differ. Send one of them."
        faults = {"size": [ErrorDetail(message, "contradiction")]}
    if faults:
        raise ValidationError(faults)
    return PageRequest(page=numbers.get("page", 1), size=sizes.pop() if sizes else default_size)


class Listed(Protocol):
    """What pages are taken of, such as a queryset."""

    def __getitem__(self, places: slice, /) -> Iterable[Any]: ...
    def count(self) -> int: ...


def fetch_page(listed: Listed, request: PageRequest) -> Page:
    """Fetch a page in two statements, or in one if it is the last page and so shows the total."""
    start = (request.page - 1) * request.size
    items = list(listed[start : start + request.size + 1])
    ends_here = len(items) <= request.size and (items or start == 0)
    total = start + len(items) if ends_here else listed.count()
    return Page(items[: request.size], total, request.page, request.size)


class EnvelopePagination(BasePagination):
    """Pagination by page number. A view sets `default_page_size`, a subclass the `envelope`.

    A view with page parameters in the body calls `paginate` itself.
    """

    # Members of the envelope, by name: each has the attribute of `Page` as its value.
    envelope: ClassVar[Mapping[str, str]] = {
        "items": "items",
        "total": "total",
        "page": "page",
        "size": "size",
        "pages": "pages",
    }

    def paginate_queryset(  # type: ignore[override]
        self, queryset: Listed, request: Request, view: APIView | None = None
    ) -> list[Any]:
        return self.paginate(queryset, request.query_params, default_size=self._default_size(view))

    def paginate(
        self, queryset: Listed, params: Mapping[str, Any], *, default_size: int
    ) -> list[Any]:
        self.page = fetch_page(queryset, parse_page_request(params, default_size=default_size))
        return list(self.page.items)

    def get_paginated_response(self, data: Any) -> Response:
        return Response(
            {
                name: data if attribute == "items" else getattr(self.page, attribute)
                for name, attribute in self.envelope.items()
            }
        )

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        schemas = {
            "items": schema,
            "total": _integer_schema("The number of items on all pages.", minimum=0),
            "page": _integer_schema("The number of this page, from 1."),
            "size": _integer_schema("The number of items per page."),
            "pages": _integer_schema("The number of pages.", minimum=0),
        }
        return {
            "type": "object",
            "required": list(self.envelope),
            "properties": {name: schemas[attribute] for name, attribute in self.envelope.items()},
        }

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        default = self._default_size(view)
        return [
            _parameter("page", "The number of the page, from 1.", maximum=MAX_PAGE, default=1),
            _parameter(
                "page_size", "The number of items per page.", maximum=MAX_SIZE, default=default
            ),
            # No default: a client that fills in both defaults would send a contradiction.
            _parameter("size", "An alias of `page_size`.", maximum=MAX_SIZE),
        ]

    def _default_size(self, view: APIView | None) -> int:
        return getattr(view, "default_page_size", DEFAULT_SIZE)


def _integer_schema(description: str, *, minimum: int = 1) -> dict[str, Any]:
    return {"type": "integer", "minimum": minimum, "description": description}


def _parameter(name: str, description: str, **bounds: int) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": {"type": "integer", "minimum": 1, **bounds},
    }
