"""Error pages, which need neither a session nor the database."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpResponse
from django.template.loader import render_to_string


def error_page(detail: str, *, status: int) -> HttpResponse:
    title = HTTPStatus(status).phrase
    page = render_to_string("core/error.html", {"title": title, "detail": detail})
    return HttpResponse(page, status=status)
