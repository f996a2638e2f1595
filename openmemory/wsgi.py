"""The server as a WSGI application, for any server of those: the API, the admin, the documents."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openmemory.settings")

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def with_whole_bodies(application: Application) -> Application:
    """Let the application begin when it has the body, unless that is long.

    It asks the database for the caller first, and would hold a connection of the pool for as
    long as a slow client takes to send the rest.
    """

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        declared = environ.get("CONTENT_LENGTH") or ""
        if declared.isdecimal() and int(declared) <= settings.MAX_BODY_BYTES:
            environ["wsgi.input"] = BytesIO(environ["wsgi.input"].read(int(declared)))
        return application(environ, start_response)

    return answer


application = with_whole_bodies(get_wsgi_application())
