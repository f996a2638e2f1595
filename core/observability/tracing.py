"""OpenTelemetry traces, if an endpoint is configured; almost no cost otherwise.

A trace has spans of the request, the stages of a search, calls of models, and jobs that the request
has queued. Spans name URL patterns, job types and models, never the text of a memory, a query or a
prompt. OpenTelemetry's automatic instrumentation is not used because it records SQL and queries.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.conf import settings
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

TRACEPARENT = "traceparent"  # W3C Trace Context, https://www.w3.org/TR/trace-context/

_tracer = trace.get_tracer("openmemory")  # records nothing until `start` replaces it
_provider: TracerProvider | None = None
_propagator = TraceContextTextMapPropagator()


def start() -> None:
    """Export the spans of this process to the configured collector, if there is one.

    Call it once per process, after the fork: a thread exports the spans, and threads do not survive
    a fork. The standard variables `OTEL_EXPORTER_OTLP_…` configure the exporter.
    """
    global _tracer, _provider
    if not settings.TRACES_ENDPOINT:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    service = {"service.name": settings.TRACES_SERVICE, "service.version": settings.VERSION}
    provider = TracerProvider(resource=Resource.create(service))
    exporter = OTLPSpanExporter(endpoint=f"{settings.TRACES_ENDPOINT.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    # Not set as the global provider: some libraries record error messages in spans, and these
    # may quote a memory.
    _tracer = provider.get_tracer("openmemory")
    _provider = provider


def stop() -> None:
    """Export the pending spans and stop tracing. A process does so by itself when it exits."""
    global _tracer, _provider
    if _provider is not None:
        _provider.shutdown()
    _tracer, _provider = trace.get_tracer("openmemory"), None


@contextmanager
def trace_request(method: str, headers: Mapping[str, str]) -> Iterator[Span]:
    """Trace a request, as part of the client's trace if the request has one."""
    carrier = {TRACEPARENT: headers.get(TRACEPARENT, "")}
    with _tracer.start_as_current_span(
        method, context=_propagator.extract(carrier), kind=SpanKind.SERVER
    ) as request_span:
        yield request_span


def describe_response(request_span: Span, method: str, operation: str, status: int) -> None:
    request_span.update_name(f"{method} {operation}")
    request_span.set_attributes(
        {
            "http.request.method": method,
            "http.route": operation,
            "http.response.status_code": status,
        }
    )
    if status >= 500:
        request_span.set_status(Status(StatusCode.ERROR))


@contextmanager
def span(
    name: str,
    kind: SpanKind = SpanKind.INTERNAL,
    *,
    traceparent: str | None = None,
    **attributes: str | int,
) -> Iterator[Span]:
    """Trace a step of the current trace, or of the trace of `traceparent`.

    An error is recorded by its class only, because its message may quote a memory.
    """
    context = None if traceparent is None else _propagator.extract({TRACEPARENT: traceparent})
    with _tracer.start_as_current_span(
        name,
        context=context,
        kind=kind,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as step_span:
        try:
            yield step_span
        except Exception as error:
            step_span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise


def current_traceparent() -> str:
    """Return the current span's `traceparent`, to continue the trace elsewhere. Empty if none."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get(TRACEPARENT, "")
