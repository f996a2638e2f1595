"""Traces over OpenTelemetry, where an endpoint for them is configured; next to nothing otherwise.

A trace has the request, the stages of a search, the job that a request has queued, and the calls of
models. It names addresses, kinds and models, and never what a memory, a query or a prompt says:
which is why the libraries that trace whole frameworks by themselves are not used, as those note
queries and statements.
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

PARENT = "traceparent"  # of W3C's Trace Context, https://www.w3.org/TR/trace-context/

_tracer = trace.get_tracer("openmemory")  # makes no spans, until `begin` has put another here
_provider: TracerProvider | None = None
_propagator = TraceContextTextMapPropagator()


def start() -> None:
    """Send the spans of this process to the collector that the settings name, if they name one.

    Called once in each process, after it was made: a thread sends them, and threads do not survive
    a fork. All else about the exporter is said by the standard's own variables,
    `OTEL_EXPORTER_OTLP_…`.
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
    # Not made the provider of all libraries: some note in their spans what an error says, and
    # that may quote a memory.
    _tracer = provider.get_tracer("openmemory")
    _provider = provider


def stop() -> None:
    """Send what is not sent yet, and trace nothing any more. A process that ends does so itself."""
    global _tracer, _provider
    if _provider is not None:
        _provider.shutdown()
    _tracer, _provider = trace.get_tracer("openmemory"), None


@contextmanager
def trace_request(method: str, headers: Mapping[str, str]) -> Iterator[Span]:
    """Trace a request, as a part of the caller's trace where it names one."""
    carrier = {PARENT: headers.get(PARENT, "")}
    with _tracer.start_as_current_span(
        method, context=_propagator.extract(carrier), kind=SpanKind.SERVER
    ) as span:
        yield span


def describe_response(span: Span, method: str, operation: str, status: int) -> None:
    span.update_name(f"{method} {operation}")
    span.set_attributes(
        {
            "http.request.method": method,
            "http.route": operation,
            "http.response.status_code": status,
        }
    )
    if status >= 500:
        span.set_status(Status(StatusCode.ERROR))


@contextmanager
def span(
    name: str,
    kind: SpanKind = SpanKind.INTERNAL,
    *,
    place: str | None = None,
    **attributes: str | int,
) -> Iterator[Span]:
    """Trace a part of what is being done, or of what was asked for at a `place` of another trace.

    An error is noted by its class alone, as what it says may quote a memory.
    """
    context = None if place is None else _propagator.extract({PARENT: place})
    with _tracer.start_as_current_span(
        name,
        context=context,
        kind=kind,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except Exception as error:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise


def current_traceparent() -> str:
    """The place in the present trace, to go on from elsewhere; empty where there is none."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get(PARENT, "")
