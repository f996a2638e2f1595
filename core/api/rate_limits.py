"""How often one may call: reads, writes and failed keys, each within a window of time.

Why so: docs/decisions/0008-rate-limits.md.
"""

from __future__ import annotations

import time
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


@dataclass(frozen=True)
class Usage:
    """How much of a limit is used: `count` of `quota` requests in a window of `window` seconds."""

    policy: str
    quota: int
    window: int
    count: int
    seconds_left: int

    @property
    def exceeded(self) -> bool:
        return self.count > self.quota

    def headers(self) -> dict[str, str]:
        """What a client is told: the IETF's draft of RateLimit fields, and what was before it."""
        remaining = max(0, self.quota - self.count)
        return {
            "RateLimit-Policy": f'"{self.policy}";q={self.quota};w={self.window}',
            "RateLimit": f'"{self.policy}";r={remaining};t={self.seconds_left}',
            "X-RateLimit-Limit": str(self.quota),
            "X-RateLimit-Remaining": str(remaining),
            "X-RateLimit-Reset": str(int(time.time()) + self.seconds_left),
        }


def count_request(request: HttpRequest, policy: str) -> Usage | None:
    """Count this request. None when the limit is off; as the first one when the cache is away."""
    rate = settings.RATE_LIMITS[policy]
    if rate is None:
        return None
    quota, window = rate
    by_address = policy in (FAILED_KEYS, SIGN_INS)
    caller = _address(request) if by_address else _caller(request)
    found = get_usage(
        request, group=policy, key=lambda group, request: caller, rate=rate, increment=True
    )
    if found is None:
        return Usage(policy, quota, window, count=0, seconds_left=window)
    # The window includes the second that it is said to end at.
    return Usage(policy, quota, window, found["count"], found["time_left"] + 1)


def _caller(request: HttpRequest) -> str:
    """Who is limited: the key, or the address of who calls without one."""
    key = getattr(getattr(request, "auth", None), "pk", None)
    return f"key {key}" if key else _address(request)


def _address(request: HttpRequest) -> str:
    return f"address {client_network(request)}"


class RateLimited(Throttled):
    default_detail = "That was too often."
    extra_detail_singular = "Try again in {wait} second."
    extra_detail_plural = "Try again in {wait} seconds."


class RateLimitThrottle(BaseThrottle):
    """Refuse what is too often, once the key is known and before any work is done."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        action = getattr(view, "action", None)
        reads = is_safe_request(view, method=request.method, action=action)
        usage = count_request(request._request, READS if reads else WRITES)
        request._request.usage = usage  # type: ignore[attr-defined]
        if usage and usage.exceeded:
            raise RateLimited(wait=usage.seconds_left)
        return True


class RateLimitMiddleware:
    """Tell every answer of the API how much of a limit is left.

    What was refused before `Limit` saw it, such as a wrong key, is counted here; and what was
    refused too often is refused for that.
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
                refusal = RateLimited(wait=usage.seconds_left)
                response = (
                    exception_handler.problem_response(refusal, {"request": request}) or response
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
