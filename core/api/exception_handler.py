"""Translate exceptions to problems. Only this module maps an error to its HTTP status."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import singledispatch
from typing import Any

import redis
import structlog
from django.core import exceptions as django
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.views import defaults
from rest_framework import exceptions as drf
from rest_framework.fields import get_error_detail
from rest_framework.request import Request
from rest_framework.settings import api_settings

from core import disk, errors

from .problems import RETRY_AFTER, Fault, Problem, ProblemResponse, validation_problem
from .unread_body import SlowClient

log = structlog.get_logger(__name__)

# DRF's codes, where our own errors use another one.
_CODES = {"permission_denied": "forbidden", "parse_error": "malformed", "throttled": "rate_limited"}

AnyRequest = HttpRequest | Request


class BadBody(drf.ParseError):
    """A body that cannot be parsed, with the location of the fault if it is known."""

    def __init__(self, detail: str, *, code: str, loc: tuple[str | int, ...] = ()) -> None:
        super().__init__(detail, code)
        self.fault = Fault(("body", *loc), code, detail)


class InvalidRequest(drf.ValidationError):
    """Faults of a request, in its query or its body."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__([fault.detail for fault in faults])
        self.faults = faults


def problem_response(exception: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """Return the response to an exception of a view, or None: Django then calls `on_500`."""
    problem = problem_of(exception, context["request"])
    return ProblemResponse(problem) if problem else None


@singledispatch
def problem_of(exception: Exception, request: AnyRequest) -> Problem | None:
    return None


# --- Our own errors ------------------------------------------------------------------------


# What is not here is no fault of the request.
STATUSES: dict[type, int] = {
    errors.Malformed: 400,
    errors.NotAllowed: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Gone: 410,
    errors.PreconditionFailed: 412,
    errors.TooLarge: 413,
    errors.Unprocessable: 422,
}


@problem_of.register
def _(error: errors.OpenMemoryError, request: AnyRequest) -> Problem | None:
    status = next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), None)
    if status is None:
        return None
    wait = error.retry_after
    headers = {"Retry-After": str(math.ceil(wait))} if wait else {}
    return _domain_problem(status, error, headers=headers)


@problem_of.register
def _(error: errors.Malformed, request: AnyRequest) -> Problem:
    if error.field is None:
        return _domain_problem(400, error)
    loc = (_source(request, error.field), *error.field.split("."))
    return Problem(400, error.code, error.detail, [Fault(loc, error.code, error.detail)])


@problem_of.register
def _(error: errors.StorageFull, request: AnyRequest) -> Problem:
    log.error("the disk is full", reason=error.detail)
    return _domain_problem(507, error)


@problem_of.register
def _(error: errors.Unavailable, request: AnyRequest) -> Problem:
    log.error("a required service is unavailable", reason=error.detail)
    return _domain_problem(503, error, headers=RETRY_AFTER)


def _domain_problem(status: int, error: errors.OpenMemoryError, **options: Any) -> Problem:
    return Problem(status, error.code, error.detail, members=error.members, **options)


# --- Errors of Django REST framework -------------------------------------------------------


@problem_of.register
def _(error: drf.APIException, request: AnyRequest) -> Problem:
    code = str(error.get_codes())
    # DRF sets these on some of its errors only.
    challenge, wait = getattr(error, "auth_header", None), getattr(error, "wait", None)
    headers = {"WWW-Authenticate": challenge} if challenge else {}
    if wait:
        headers["Retry-After"] = str(math.ceil(wait))
    return Problem(error.status_code, _CODES.get(code, code), str(error.detail), headers=headers)


@problem_of.register
def _(error: BadBody, request: AnyRequest) -> Problem:
    return validation_problem([error.fault], code="malformed")


@problem_of.register
def _(error: InvalidRequest, request: AnyRequest) -> Problem:
    return validation_problem(error.faults)


@problem_of.register
def _(error: drf.ValidationError, request: AnyRequest) -> Problem:
    return validation_problem([_locate(fault, request) for fault in _flatten(error.detail, ())])


def _flatten(detail: Any, loc: tuple[str | int, ...]) -> Iterator[Fault]:
    """Yield the faults of nested dicts and lists, as serializers report them, in their order."""
    if isinstance(detail, Mapping):
        for key, inner in detail.items():
            inner_loc = loc if key == api_settings.NON_FIELD_ERRORS_KEY else (*loc, key)
            yield from _flatten(inner, inner_loc)
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            # A list holds either messages, or dicts and lists about the items of a list.
            nested = isinstance(inner, (Mapping, list))
            yield from _flatten(inner, (*loc, index) if nested else loc)
    else:
        yield Fault(loc, getattr(detail, "code", None) or "invalid", str(detail))


def _locate(fault: Fault, request: AnyRequest) -> Fault:
    field = str(fault.loc[0]) if fault.loc else None
    return Fault((_source(request, field), *fault.loc), fault.code, fault.detail)


def _source(request: AnyRequest, field: str | None) -> str:
    """Return the part of the request that a field came from. GET and HEAD have a query only."""
    return "query" if request.method in ("GET", "HEAD") or field in request.GET else "body"


# --- Errors of Django ----------------------------------------------------------------------


@problem_of.register
def _(error: Http404, request: AnyRequest) -> Problem:
    # Always the same detail: Django's own names the model and the lookup.
    return _domain_problem(404, errors.NotFound())


@problem_of.register
def _(error: django.PermissionDenied, request: AnyRequest) -> Problem:
    return _domain_problem(403, errors.NotAllowed())


@problem_of.register
def _(error: django.ValidationError, request: AnyRequest) -> Problem:
    detail = get_error_detail(error)
    return validation_problem([_locate(fault, request) for fault in _flatten(detail, ())])


@problem_of.register(django.BadRequest)
@problem_of.register(django.SuspiciousOperation)
@problem_of.register(MultiPartParserError)
def _(error: Exception, request: AnyRequest) -> Problem:
    return _domain_problem(400, errors.Malformed())


@problem_of.register
def _(error: django.DisallowedHost, request: AnyRequest) -> Problem:
    detail = "This server is not configured for the host in the Host header."
    return Problem(400, "host_not_allowed", detail)


@problem_of.register
def _(error: django.TooManyFieldsSent, request: AnyRequest) -> Problem:
    return Problem(400, "too_many_fields", "The query string or form has too many fields.")


@problem_of.register
def _(error: django.RequestDataTooBig, request: AnyRequest) -> Problem:
    return body_too_large(None)


@problem_of.register
def _(error: UnreadablePostError, request: AnyRequest) -> Problem:
    return unreadable_body(error.__cause__)


@problem_of.register(OperationalError)
@problem_of.register(InterfaceError)
@problem_of.register(redis.ConnectionError)
@problem_of.register(redis.TimeoutError)
def _(error: Exception, request: AnyRequest) -> Problem:
    # A database whose disk is full may also have stopped.
    if disk.is_caused_by_full_disk(error) or disk.is_full():
        return _disk_full(error)
    log.error("a service is unreachable", kind=type(error).__name__, reason=str(error))
    return _domain_problem(503, errors.Unavailable(), headers=RETRY_AFTER)


@problem_of.register
def _(error: OSError, request: AnyRequest) -> Problem | None:
    return _disk_full(error) if disk.is_caused_by_full_disk(error) else None


def _disk_full(error: Exception) -> Problem:
    log.error("the disk is full", kind=type(error).__name__, reason=str(error))
    return _domain_problem(507, errors.StorageFull(), headers=RETRY_AFTER)


TRUNCATED_BODY = Problem(400, "malformed", "The body is incomplete.")
SLOW_BODY = Problem(408, "body_too_slow", "The body arrived too slowly. Send the request again.")
TOO_MANY_BODIES = Problem(
    503, "unavailable", "Too many clients send their bodies slowly. Try again.", headers=RETRY_AFTER
)
TOO_MANY_UPLOADS = Problem(
    503, "unavailable", "Too many archives are being uploaded. Try again.", headers=RETRY_AFTER
)
OVERLOADED = Problem(
    503, "unavailable", "The server has too many requests to answer. Try again.",
    headers=RETRY_AFTER,
)  # fmt: skip


def unreadable_body(cause: BaseException | None) -> Problem:
    return SLOW_BODY if isinstance(cause, SlowClient) else TRUNCATED_BODY


def body_too_large(limit: int | None) -> Problem:
    detail = f"The body exceeds the limit of {limit} bytes." if limit else "The body is too large."
    return Problem(413, "body_too_large", detail)


# --- Django's handlers of errors outside views ---------------------------------------------


def on_400(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _problem_response(request, exception) or defaults.bad_request(request, exception)


def on_403(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _problem_response(request, exception) or defaults.permission_denied(request, exception)


def on_404(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _problem_response(request, exception) or defaults.page_not_found(request, exception)


def on_500(request: HttpRequest) -> HttpResponse:
    if not is_api_request(request):
        return defaults.server_error(request)
    detail = "Internal server error. The server's log has the cause under this request id."
    return ProblemResponse(Problem(500, "internal_error", detail))


def is_api_request(request: HttpRequest) -> bool:
    return is_api_path(request.path_info)


def is_api_path(path: str) -> bool:
    return f"{path}/".startswith(("/api/", "/mcp/"))


def _problem_response(request: HttpRequest, exception: Exception) -> HttpResponse | None:
    problem = problem_of(exception, request) if is_api_request(request) else None
    return ProblemResponse(problem) if problem else None
