"""An end to what a page asks of the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.http import HttpResponse
from django.template.response import SimpleTemplateResponse
from psycopg.errors import QueryCanceled

from core.errors import Unavailable

from .error_pages import error_page


class TooSlow(Unavailable):
    """That took too long. Narrow it: by a filter, by one user, or by the first letters."""

    code = "too_slow"


@contextmanager
def limit_statements(seconds: int | None = None) -> Iterator[None]:
    """Let no statement inside take longer. Raises TooSlow. It is one transaction: only read in it.

    Without `seconds` it is ADMIN_STATEMENT_SECONDS.
    """
    limit = f"{settings.ADMIN_STATEMENT_SECONDS if seconds is None else seconds}s"
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [limit])
            yield
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise TooSlow from error
        raise


def render_within_timeout(view: Callable[[], HttpResponse]) -> HttpResponse:
    """Answer a request that only reads, its template included, or say that it took too long."""
    try:
        with limit_statements():
            response = view()
            if isinstance(response, SimpleTemplateResponse):
                response.render()
            return response
    except TooSlow as error:
        return error_page(error.detail, status=503)
