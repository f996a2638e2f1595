"""Middleware of every request: its id, its log line, its address and the size of its body."""

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
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import is_valid_path

from core import logs

from . import exception_handler
from .problems import Fault, Problem, ProblemResponse, validation_problem
from .unread_body import REFUSAL, ClientGone, SlowClient

GetResponse = Callable[[HttpRequest], HttpResponse]

log = structlog.get_logger("openmemory.requests")

_VALID_ID = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)
_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)

# Requested by machines every few seconds, or many at once: logged at DEBUG.
_QUIET_PATHS = ("/health/", settings.STATIC_URL)


class RequestIdMiddleware:
    """Give every request an id: the client's if it is valid, else a new one."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        client_id = request.headers.get("X-Request-ID", "")
        request_id = client_id if _VALID_ID.fullmatch(client_id) else str(uuid.uuid4())
        with logs.bind_request_id(request_id):
            response = self.get_response(request)
        response.headers["X-Request-ID"] = request_id
        return response


class AccessLogMiddleware:
    """Log one line per request, without query string and body: they contain user data."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        response = self.get_response(request)
        duration = time.perf_counter() - started
        write = log.debug if request.path.startswith(_QUIET_PATHS) else log.info
        write(
            "request",
            method=request.method,
            path=request.path,
            status=response.status_code,
            duration_ms=round(duration * 1000, 1),
            **self._authentication(request),
        )
        return response

    def _authentication(self, request: HttpRequest) -> dict[str, str]:
        user: Any = getattr(request, "user", None)
        key = getattr(request, "auth", None)
        return {"user_id": user.user_id, "key": key.prefix} if key else {}


class AddressMiddleware:
    """Reject undecodable addresses, and accept every path with or without a trailing slash.

    A redirect to the other form would drop the body of a POST.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\0" in request.path_info:
            raise Http404
        faults = self._faults(request.META.get("QUERY_STRING", ""))
        if faults:
            return ProblemResponse(validation_problem(faults, code="malformed"))
        # The charset of Content-Type applies to the body. Django decodes the query with it, too.
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
                detail = "The query must be UTF-8 without NUL."
                faults.append(Fault(("query", name), "invalid_text", detail))
        return faults


class BodyLimitMiddleware:
    """Reject a body that is too large, and one that the server did not receive.

    The limit is MAX_BODY_BYTES, or the `max_body_bytes` of the view. A body without a length, as in
    a chunked upload, is first read up to the limit and then handled like any other.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with ExitStack() as request.spooled:  # type: ignore[attr-defined]
            return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: list[Any], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        refusal: Problem | None = request.META.get(REFUSAL)
        if refusal:
            return ProblemResponse(refusal)
        cls = getattr(view, "cls", getattr(view, "view_class", view))
        limit = getattr(cls, "max_body_bytes", settings.MAX_BODY_BYTES)
        content_length = request.META.get("CONTENT_LENGTH") or None
        if content_length is None:
            return self._spool(request, limit) if self._has_body(request) else None
        if not _LENGTH.fullmatch(content_length):
            detail = "The Content-Length header is not a number of bytes."
            return ProblemResponse(Problem(400, "malformed", detail))
        return self._reject(limit) if int(content_length) > limit else None

    def _has_body(self, request: HttpRequest) -> bool:
        # A chunked upload has no length. The server terminates the input at its end, and says so.
        # Without that, reading could block for ever.
        terminated = request.META.get("wsgi.input_terminated", False)
        return terminated and request.method not in ("GET", "HEAD", "OPTIONS")

    def _spool(self, request: HttpRequest, limit: int) -> HttpResponse | None:
        spool = SpooledTemporaryFile(max_size=settings.MAX_BODY_BYTES)  # noqa: SIM115
        body = request.spooled.enter_context(spool)  # type: ignore[attr-defined]
        length = 0
        try:
            while chunk := request.META["wsgi.input"].read(64 * 1024):
                length += len(chunk)
                if length > limit:
                    return self._reject(limit)
                body.write(chunk)
        except (ClientGone, SlowClient) as error:
            return ProblemResponse(exception_handler.unreadable_body(error))
        body.seek(0)
        # Django read the missing length as an empty body when it built the request.
        request._stream = body
        request.META["CONTENT_LENGTH"] = str(length)
        return None

    def _reject(self, limit: int) -> HttpResponse:
        # The rest of the body stays unread, so the server closes the connection.
        return ProblemResponse(exception_handler.body_too_large(limit))
