from __future__ import annotations

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from prometheus_client import REGISTRY

from core.observability import tracing

Growth = Callable[..., float]


@pytest.fixture
def growth() -> Growth:
    """By how much a figure has grown since the last call for it, or since the test began."""
    samples = [sample for metric in REGISTRY.collect() for sample in metric.samples]
    before = {(each.name, *sorted(each.labels.items())): each.value for each in samples}

    def grown(name: str, **labels: str) -> float:
        now = REGISTRY.get_sample_value(name, labels) or 0.0
        key = (name, *sorted(labels.items()))
        grown_by = now - before.get(key, 0.0)
        before[key] = now
        return grown_by

    return grown


class Collector(ThreadingHTTPServer):
    """What traces are sent to: an address of this machine that keeps what it is sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.bodies: list[bytes] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def spans(self) -> dict[str, Span]:
        """What has come, by name."""
        found = {}
        for body in self.bodies:
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    found |= {span.name: span for span in scope.spans}
        return found


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/v1/traces":
            self.server.bodies.append(body)
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def collector(settings, monkeypatch) -> Iterator[Collector]:
    """A collector, to which this process sends its traces."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
    with Collector() as server:
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        settings.TRACES_ENDPOINT = server.url
        tracing.start()
        yield server
        tracing.stop()
        server.shutdown()
        thread.join()
