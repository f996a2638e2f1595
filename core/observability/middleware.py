"""Measure and trace every request by its URL pattern, never by its content."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.db import connection
from django.http import HttpRequest, HttpResponse

from . import metrics, tracing

METHODS = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"}
# Requests without a URL pattern: unknown addresses, and static files.
NO_OPERATION = "none"


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
        _measure_pool()
        return response


def _operation(request: HttpRequest) -> str:
    """Return the URL pattern, such as `api/v1/memories/<id:memory_id>`."""
    match = request.resolver_match
    return (match.route or "/") if match else NO_OPERATION


def _measure_pool() -> None:
    """Measure this process's connection pool. Only requests change it."""
    pool = getattr(connection, "pool", None)
    if pool is None:
        return
    stats = pool.get_stats()
    size, idle = stats.get("pool_size", 0), stats.get("pool_available", 0)
    for state, connections in {
        "allowed": stats.get("pool_max", 0), "idle": idle, "used": size - idle
    }.items():  # fmt: skip
        metrics.POOL_CONNECTIONS.labels(state).set(connections)
    metrics.POOL_WAITING.set(stats.get("requests_waiting", 0))
