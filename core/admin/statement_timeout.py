"""A time limit for the database statements of a page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import OperationalError, transaction
from django.http import HttpResponse
from django.template.response import SimpleTemplateResponse
from psycopg.errors import QueryCanceled

from core import sql
from core.errors import Unavailable

from .error_pages import error_page


class TooSlow(Unavailable):
    """This took too long. Narrow it with a filter, to one user, or by the first letters."""

    code = "too_slow"


@contextmanager
def limit_statements(seconds: int | None = None) -> Iterator[None]:
    """Limit each statement in the block to `seconds`, by default ADMIN_STATEMENT_SECONDS.

    The block is one transaction, for reading only. Raises TooSlow.
    """
    limit = f"{settings.ADMIN_STATEMENT_SECONDS if seconds is None else seconds}s"
    try:
        with transaction.atomic():
            sql.execute("SELECT set_config('statement_timeout', %s, true)", [limit])
            yield
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise TooSlow from error
        raise


def render_within_timeout(view: Callable[[], HttpResponse]) -> HttpResponse:
    """Render a read-only view, including its template, or an error page if it takes too long."""
    try:
        with limit_statements():
            response = view()
            if isinstance(response, SimpleTemplateResponse):
                response.render()
            return response
    except TooSlow as error:
        return error_page(error.detail, status=503)
