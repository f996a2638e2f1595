"""Pages of a list: which page a request asks for, fetching it, and its envelope."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

DEFAULT_SIZE = 10
MAX_SIZE = 100

# The offset of the last page stays far inside PostgreSQL's bigint.
MAX_PAGE = 2**31 - 1

_BOUNDS = {"page": MAX_PAGE, "page_size": MAX_SIZE, "size": MAX_SIZE}
_DIGITS = re.compile(r"[0-9]{1,10}", re.ASCII)


@dataclass(frozen=True)
class PageRequest:
    """Which page is asked for, counted from 1, and how many items a page has."""

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
    """Read `page` and `page_size`, or its alias `size`, from a query or a body.

    Raises ValidationError that names every one of them that is wrong.
    """
    given = {name: params[name] for name in _BOUNDS if name in params}
    numbers = {name: _whole(value) for name, value in given.items()}
    wrong = {
        name: [ErrorDetail(f"Send a whole number from 1 to {_BOUNDS[name]}.", "out_of_range")]
        for name, number in numbers.items()
        if not 1 <= number <= _BOUNDS[name]
    }
    sizes = {numbers[name] for name in ("page_size", "size") if name in numbers}
    if len(sizes) > 1 and not wrong:
        message = "`size` and `page_size` mean the same, but differ here: send one of them."
        wrong = {"size": [ErrorDetail(message, "contradiction")]}
    if wrong:
        raise ValidationError(wrong)
    return PageRequest(page=numbers.get("page", 1), size=sizes.pop() if sizes else default_size)


def _whole(value: Any) -> int:
    """Read a number of a query, or of a body: 0, which is no page, when it is not whole."""
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def fetch_page(queryset: QuerySet[Any], request: PageRequest) -> Page:
    """Fetch a page, in two statements, or in one when its end shows how many there are."""
    start = (request.page - 1) * request.size
    items = list(queryset[start : start + request.size + 1])
    ends_here = len(items) <= request.size and (items or start == 0)
    total = start + len(items) if ends_here else queryset.count()
    return Page(items[: request.size], total, request.page, request.size)


class EnvelopePagination(BasePagination):
    """Pages by number. A view sets `default_page_size`; a subclass names the envelope's members.

    A view whose parameters come in a body calls `paginate` itself.
    """

    # What each member of the envelope holds: `items`, or an attribute of Page.
    envelope: ClassVar[Mapping[str, str]] = {
        "items": "items",
        "total": "total",
        "page": "page",
        "size": "size",
        "pages": "pages",
    }

    def paginate_queryset(  # type: ignore[override]
        self, queryset: QuerySet[Any], request: Request, view: APIView | None = None
    ) -> list[Any]:
        return self.paginate(queryset, request.query_params, default_size=self._default_size(view))

    def paginate(
        self, queryset: QuerySet[Any], params: Mapping[str, Any], *, default_size: int
    ) -> list[Any]:
        self.page = fetch_page(queryset, parse_page_request(params, default_size=default_size))
        return list(self.page.items)

    def get_paginated_response(self, data: Any) -> Response:
        return Response(
            {
                name: data if holds == "items" else getattr(self.page, holds)
                for name, holds in self.envelope.items()
            }
        )

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        described = {
            "items": schema,
            "total": _whole_number("How many there are on all pages.", minimum=0),
            "page": _whole_number("Which page this is, from 1."),
            "size": _whole_number("How many items a page has."),
            "pages": _whole_number("How many pages there are.", minimum=0),
        }
        return {
            "type": "object",
            "required": list(self.envelope),
            "properties": {name: described[holds] for name, holds in self.envelope.items()},
        }

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        default = self._default_size(view)
        return [
            _parameter("page", "Which page, from 1.", maximum=MAX_PAGE, default=1),
            _parameter(
                "page_size", "How many items a page has.", maximum=MAX_SIZE, default=default
            ),
            # Without a default: a page that fills in both would send a contradiction.
            _parameter("size", "The same as `page_size`.", maximum=MAX_SIZE),
        ]

    def _default_size(self, view: APIView | None) -> int:
        return getattr(view, "default_page_size", DEFAULT_SIZE)


def _whole_number(description: str, *, minimum: int = 1) -> dict[str, Any]:
    return {"type": "integer", "minimum": minimum, "description": description}


def _parameter(name: str, description: str, **bounds: int) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": {"type": "integer", "minimum": 1, **bounds},
    }
