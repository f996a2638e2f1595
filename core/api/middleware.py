"""What happens to every request before a view sees it, and to every answer after."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from tempfile import SpooledTemporaryFile
from typing import Any
from urllib.parse import unquote_to_bytes

import structlog
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.urls import is_valid_path

from core import logs

from . import exception_handler
from .problems import Fault, Problem, ProblemResponse, validation_problem

GetResponse = Callable[[HttpRequest], HttpResponse]

log = structlog.get_logger("openmemory.requests")

_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)
_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)

# Asked for by machines, every few seconds or by the dozen.
_QUIET = ("/health/", settings.STATIC_URL)


class RequestIdMiddleware:
    """Give every request an id: the caller's if it is sane, else a new one."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if _SANE_ID.fullmatch(given) else str(uuid.uuid4())
        with logs.bind_request_id(request_id):
            response = self.get_response(request)
        response.headers["X-Request-ID"] = request_id
        return response


class AccessLogMiddleware:
    """Log one line for each request, without its query and body, which hold what people said."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        response = self.get_response(request)
        duration = time.perf_counter() - started
        write = log.debug if request.path.startswith(_QUIET) else log.info
        write(
            "request",
            method=request.method,
            path=request.path,
            status=response.status_code,
            duration_ms=round(duration * 1000, 1),
            **self._caller(request),
        )
        return response

    def _caller(self, request: HttpRequest) -> dict[str, str]:
        user: Any = getattr(request, "user", None)
        key = getattr(request, "auth", None)
        return {"user_id": user.user_id, "key": key.prefix} if key else {}


class AddressMiddleware:
    """Refuse an address that is no text, and take a path with or without its last slash.

    A redirect to the other spelling would drop the body of a POST.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\0" in request.path_info:
            raise Http404
        faults = self._faults(request.META.get("QUERY_STRING", ""))
        if faults:
            return ProblemResponse(validation_problem(faults, code="malformed"))
        # A charset of the Content-Type is about the body, but Django reads the query by it too.
        if request.encoding:
            request.encoding = settings.DEFAULT_CHARSET
        path = request.path_info
        if len(path) > 1 and path.endswith("/") and not is_valid_path(path):
            request.path_info = path[:-1]
        return self.get_response(request)

    def _faults(self, query: str) -> list[Fault]:
        faults = []
        for pair in query.encode("latin-1").split(b"&"):
            text = unquote_to_bytes(pair)
            try:
                readable = b"\0" not in text and text.decode() is not None
            except UnicodeDecodeError:
                readable = False
            if not readable:
                name = text.partition(b"=")[0].decode(errors="replace").replace("\0", "\ufffd")
                detail = "A query is UTF-8 without NUL."
                faults.append(Fault(("query", name), "invalid_text", detail))
        return faults


class BodyLimitMiddleware:
    """Refuse a body that is too large, before it is read as far as possible.

    The bound is MAX_BODY_BYTES, or the `max_body_bytes` of the view. What has no length, as in
    a chunked request, is read up to the bound first, and then is a body like any other.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with ExitStack() as request.spooled:  # type: ignore[attr-defined]
            return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: list[Any], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        cls = getattr(view, "cls", getattr(view, "view_class", view))
        bound = getattr(cls, "max_body_bytes", settings.MAX_BODY_BYTES)
        declared = request.META.get("CONTENT_LENGTH") or None
        if declared is None:
            return self._measure(request, bound) if self._has_body(request) else None
        if not _LENGTH.fullmatch(declared):
            detail = "The Content-Length header is not a number of bytes."
            return ProblemResponse(Problem(400, "malformed", detail))
        if int(declared) > bound:
            return self._refusal(bound)
        return self._read(request) if int(declared) <= settings.MAX_BODY_BYTES else None

    def _read(self, request: HttpRequest) -> HttpResponse | None:
        # Before anything else is: a client that sends slowly holds no database connection then.
        try:
            request.body  # noqa: B018
        except UnreadablePostError:
            return ProblemResponse(exception_handler.TRUNCATED_BODY)
        return None

    def _has_body(self, request: HttpRequest) -> bool:
        # HTTP/2 sends bodies with neither a length nor an encoding. There the server ends the
        # input where the body ends, and says so; without that, reading could wait for ever.
        ends = request.META.get("wsgi.input_terminated", False)
        return ends and request.method not in ("GET", "HEAD", "OPTIONS")

    def _measure(self, request: HttpRequest, bound: int) -> HttpResponse | None:
        spool = SpooledTemporaryFile(max_size=settings.MAX_BODY_BYTES)  # noqa: SIM115
        body = request.spooled.enter_context(spool)  # type: ignore[attr-defined]
        length = 0
        while piece := request.META["wsgi.input"].read(64 * 1024):
            length += len(piece)
            if length > bound:
                return self._refusal(bound)
            body.write(piece)
        body.seek(0)
        # Django took the missing length for an empty body when it made the request.
        request._stream = body
        request.META["CONTENT_LENGTH"] = str(length)
        return None

    def _refusal(self, bound: int) -> HttpResponse:
        # What is left of the body stays unread: the server closes the connection over it.
        return ProblemResponse(exception_handler.body_too_large(bound))
