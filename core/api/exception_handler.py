"""From an exception to a problem: the one place that knows which status an error has."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
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

from core import errors

from .problems import RETRY_AFTER, Fault, Problem, ProblemResponse, validation_problem

log = structlog.get_logger(__name__)

# DRF's names of what our own errors call otherwise.
_CODES = {"permission_denied": "forbidden", "parse_error": "malformed", "throttled": "rate_limited"}

AnyRequest = HttpRequest | Request


class BadBody(drf.ParseError):
    """A body that cannot be read, with the place in it when that is known."""

    def __init__(self, detail: str, *, code: str, loc: tuple[str | int, ...] = ()) -> None:
        super().__init__(detail, code)
        self.fault = Fault(("body", *loc), code, detail)


def problem_response(exception: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """Answer what a view raised. What nobody foresaw is left to Django, and so to `on_500`."""
    problem = problem_of(exception, context["request"])
    return ProblemResponse(problem) if problem else None


@singledispatch
def problem_of(exception: Exception, request: AnyRequest) -> Problem | None:
    return None


# --- Our own -------------------------------------------------------------------------------


@problem_of.register
def _(error: errors.Malformed, request: AnyRequest) -> Problem:
    if error.field is None:
        return _ours(400, error)
    loc = (_part(request, error.field), *error.field.split("."))
    return Problem(400, error.code, error.detail, [Fault(loc, error.code, error.detail)])


@problem_of.register
def _(error: errors.TooLarge, request: AnyRequest) -> Problem:
    return _ours(413, error)


@problem_of.register
def _(error: errors.NotAllowed, request: AnyRequest) -> Problem:
    return _ours(403, error)


@problem_of.register
def _(error: errors.NotFound, request: AnyRequest) -> Problem:
    return _ours(404, error)


@problem_of.register
def _(error: errors.Conflict, request: AnyRequest) -> Problem:
    return _ours(409, error)


@problem_of.register
def _(error: errors.Gone, request: AnyRequest) -> Problem:
    return _ours(410, error)


@problem_of.register
def _(error: errors.Unavailable, request: AnyRequest) -> Problem:
    log.error("unavailable", reason=error.detail)
    return _ours(503, error, headers=RETRY_AFTER)


def _ours(status: int, error: errors.OpenMemoryError, **more: Any) -> Problem:
    return Problem(status, error.code, error.detail, **more)


# --- Django REST framework's ---------------------------------------------------------------


@problem_of.register
def _(error: drf.APIException, request: AnyRequest) -> Problem:
    code = str(error.get_codes())
    # DRF hangs these on some errors only.
    challenge, wait = getattr(error, "auth_header", None), getattr(error, "wait", None)
    headers = {"WWW-Authenticate": challenge} if challenge else {}
    if wait:
        headers["Retry-After"] = str(math.ceil(wait))
    return Problem(error.status_code, _CODES.get(code, code), str(error.detail), headers=headers)


@problem_of.register
def _(error: BadBody, request: AnyRequest) -> Problem:
    return validation_problem([error.fault], code="malformed")


@problem_of.register
def _(error: drf.ValidationError, request: AnyRequest) -> Problem:
    return validation_problem([_placed(fault, request) for fault in _faults(error.detail, ())])


def _faults(detail: Any, loc: tuple[str | int, ...]) -> Iterator[Fault]:
    """Flatten the nested dicts and lists that serializers report, in their order."""
    if isinstance(detail, Mapping):
        for key, inner in detail.items():
            here = loc if key == api_settings.NON_FIELD_ERRORS_KEY else (*loc, key)
            yield from _faults(inner, here)
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            # Messages stand in a list of their own; dicts and lists are about items of a list.
            nested = isinstance(inner, (Mapping, list))
            yield from _faults(inner, (*loc, index) if nested else loc)
    else:
        yield Fault(loc, getattr(detail, "code", None) or "invalid", str(detail))


def _placed(fault: Fault, request: AnyRequest) -> Fault:
    field = str(fault.loc[0]) if fault.loc else None
    return Fault((_part(request, field), *fault.loc), fault.code, fault.detail)


def _part(request: AnyRequest, field: str | None) -> str:
    """Say which part of a request a field came in: what reads takes from the query only."""
    return "query" if request.method in ("GET", "HEAD") or field in request.GET else "body"


# --- Django's ------------------------------------------------------------------------------


@problem_of.register
def _(error: Http404, request: AnyRequest) -> Problem:
    # Always the same words: which model was asked, and how, is nobody's business.
    return _ours(404, errors.NotFound())


@problem_of.register
def _(error: django.PermissionDenied, request: AnyRequest) -> Problem:
    return _ours(403, errors.NotAllowed())


@problem_of.register
def _(error: django.ValidationError, request: AnyRequest) -> Problem:
    detail = get_error_detail(error)
    return validation_problem([_placed(fault, request) for fault in _faults(detail, ())])


@problem_of.register(django.BadRequest)
@problem_of.register(django.SuspiciousOperation)
@problem_of.register(MultiPartParserError)
def _(error: Exception, request: AnyRequest) -> Problem:
    return _ours(400, errors.Malformed())


@problem_of.register
def _(error: django.DisallowedHost, request: AnyRequest) -> Problem:
    detail = "The Host header names a host that this server does not answer for."
    return Problem(400, "host_not_allowed", detail)


@problem_of.register
def _(error: django.TooManyFieldsSent, request: AnyRequest) -> Problem:
    return Problem(400, "too_many_fields", "The query or the form has too many fields.")


@problem_of.register
def _(error: django.RequestDataTooBig, request: AnyRequest) -> Problem:
    return body_too_large(None)


@problem_of.register
def _(error: UnreadablePostError, request: AnyRequest) -> Problem:
    return TRUNCATED_BODY


@problem_of.register(OperationalError)
@problem_of.register(InterfaceError)
@problem_of.register(redis.ConnectionError)
@problem_of.register(redis.TimeoutError)
def _(error: Exception, request: AnyRequest) -> Problem:
    log.error("a service is away", kind=type(error).__name__, reason=str(error))
    return _ours(503, errors.Unavailable(), headers=RETRY_AFTER)


TRUNCATED_BODY = Problem(400, "malformed", "The body ended before all of it was read.")


def body_too_large(bound: int | None) -> Problem:
    limit = f"more than the {bound} bytes that are read here" if bound else "too large"
    return Problem(413, "body_too_large", f"The body is {limit}.")


# --- What Django answers when no view did --------------------------------------------------


def on_400(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, exception) or defaults.bad_request(request, exception)


def on_403(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, exception) or defaults.permission_denied(request, exception)


def on_404(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, exception) or defaults.page_not_found(request, exception)


def on_500(request: HttpRequest) -> HttpResponse:
    if not is_api_request(request):
        return defaults.server_error(request)
    detail = "The server failed to answer this request. Its log says why, under this request id."
    return ProblemResponse(Problem(500, "internal_error", detail))


def is_api_request(request: HttpRequest) -> bool:
    return f"{request.path_info}/".startswith(("/api/", "/mcp/"))


def _answer(request: HttpRequest, exception: Exception) -> HttpResponse | None:
    problem = problem_of(exception, request) if is_api_request(request) else None
    return ProblemResponse(problem) if problem else None
