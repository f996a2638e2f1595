"""Rate limits of reads, writes, failed keys, sign-ins and registrations, in fixed windows.

Rationale: docs/decisions/0008-rate-limits.md.
"""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django_ratelimit.core import get_usage
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from . import exception_handler
from .client_ip import client_network
from .safe_actions import is_safe_request

if TYPE_CHECKING:  # views import this module
    from rest_framework.views import APIView

READS, WRITES, FAILED_KEYS, SIGN_INS = "reads", "writes", "failed_keys", "sign_ins"
REGISTRATIONS = "registrations"


@dataclass(frozen=True)
class Usage:
    """The use of a limit: `count` of `quota` requests in a window of `window` seconds."""

    policy: str
    quota: int
    window: int
    count: int
    seconds_left: int

    @property
    def exceeded(self) -> bool:
        return self.count > self.quota

    def headers(self) -> dict[str, str]:
        """The headers of the IETF's draft of RateLimit fields, and the older X-RateLimit ones."""
        remaining = max(0, self.quota - self.count)
        return {
            "RateLimit-Policy": f'"{self.policy}";q={self.quota};w={self.window}',
            "RateLimit": f'"{self.policy}";r={remaining};t={self.seconds_left}',
            "X-RateLimit-Limit": str(self.quota),
            "X-RateLimit-Remaining": str(remaining),
            "X-RateLimit-Reset": str(int(time.time()) + self.seconds_left),
        }


def count_request(request: HttpRequest, policy: str) -> Usage | None:
    """Count this request. None if the limit is off; a count of 0 if the cache is unreachable."""
    by_address = policy in (FAILED_KEYS, SIGN_INS, REGISTRATIONS)
    return _count(request, policy, _address_key(request) if by_address else _client_key(request))


def count_person(request: HttpRequest, policy: str, person: str) -> Usage | None:
    """Count the request of a person who is signed in to pages."""
    return _count(request, policy, f"person {person}")


def count_sign_in(request: HttpRequest, user_id: str) -> Usage | None:
    """Count a sign-in by address and by name, and return the use of the limit that is exceeded.

    Many addresses must not guess the password of one user together.
    """
    name = unicodedata.normalize("NFKC", user_id).strip().casefold()
    usages = [
        count_request(request, SIGN_INS),
        _count(request, SIGN_INS, f"name {name}") if name else None,
    ]
    return next((usage for usage in usages if usage and usage.exceeded), None)


def _count(request: HttpRequest, policy: str, counter_key: str) -> Usage | None:
    rate = settings.RATE_LIMITS[policy]
    if rate is None:
        return None
    quota, window = rate
    usage = get_usage(
        request, group=policy, key=lambda group, request: counter_key, rate=rate, increment=True
    )
    if usage is None:
        return Usage(policy, quota, window, count=0, seconds_left=window)
    # django-ratelimit counts the last second of a window as part of it.
    return Usage(policy, quota, window, usage["count"], usage["time_left"] + 1)


def _client_key(request: HttpRequest) -> str:
    """Count by API key, or by address for requests without one."""
    key = getattr(getattr(request, "auth", None), "pk", None)
    return f"key {key}" if key else _address_key(request)


def _address_key(request: HttpRequest) -> str:
    return f"address {client_network(request)}"


class RateLimited(Throttled):
    default_detail = "Rate limit exceeded."
    extra_detail_singular = "Retry in {wait} second."
    extra_detail_plural = "Retry in {wait} seconds."


class RateLimitThrottle(BaseThrottle):
    """Reject requests over the limit, after authentication and before any other work."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        action = getattr(view, "action", None)
        reads = is_safe_request(view, method=request.method, action=action)
        usage = count_request(request._request, READS if reads else WRITES)
        request._request.usage = usage  # type: ignore[attr-defined]
        if usage and usage.exceeded:
            raise RateLimited(wait=usage.seconds_left)
        return True


class RateLimitMiddleware:
    """Add the headers of rate limits to every response of the API.

    Requests rejected before `RateLimitThrottle`, such as those with an invalid key, are counted
    here. Over the limit, their error response becomes a 429.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not exception_handler.is_api_request(request):
            return response
        if hasattr(request, "usage"):
            usage: Usage | None = request.usage
        else:
            usage = count_request(request, _policy(request, response))
            if usage and usage.exceeded and 400 <= response.status_code < 500:
                error = RateLimited(wait=usage.seconds_left)
                response = (
                    exception_handler.problem_response(error, {"request": request}) or response
                )
        for name, value in (usage.headers() if usage else {}).items():
            response.headers[name] = value
        return response


def _policy(request: HttpRequest, response: HttpResponse) -> str:
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        return FAILED_KEYS
    view: Any = request.resolver_match.func if request.resolver_match else None
    action = getattr(view, "actions", {}).get((request.method or "").lower())
    reads = is_safe_request(getattr(view, "cls", None), method=request.method, action=action)
    return READS if reads else WRITES
