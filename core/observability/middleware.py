"""Measure and trace every request, by the pattern of its address and never by what it says."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.db import connection
from django.http import HttpRequest, HttpResponse

from . import metrics, tracing

METHODS = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"}
# What no address of ours was found for, and files, which are answered before one is looked for.
NOWHERE = "none"


class ObservabilityMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        method = request.method if request.method in METHODS else "other"
        started = time.perf_counter()
        with tracing.trace_request(str(method), request.headers) as span:
            response = self.get_response(request)
            operation = _operation(request)
            tracing.describe_response(span, str(method), operation, response.status_code)
        labels = (method, operation)
        metrics.REQUESTS.labels(*labels, response.status_code).inc()
        metrics.REQUEST_SECONDS.labels(*labels).observe(time.perf_counter() - started)
        _look_at_pool()
        return response


def _operation(request: HttpRequest) -> str:
    """The pattern of the address, such as `api/v1/memories/<id:memory_id>`."""
    match = request.resolver_match
    return (match.route or "/") if match else NOWHERE


def _look_at_pool() -> None:
    """Tell how the pool of this process is, after a request, which is what changes it."""
    pool = getattr(connection, "pool", None)
    if pool is None:
        return
    found = pool.get_stats()
    size, idle = found.get("pool_size", 0), found.get("pool_available", 0)
    for state, number in {
        "allowed": found.get("pool_max", 0), "idle": idle, "used": size - idle
    }.items():  # fmt: skip
        metrics.POOL_CONNECTIONS.labels(state).set(number)
    metrics.POOL_WAITING.set(found.get("requests_waiting", 0))
