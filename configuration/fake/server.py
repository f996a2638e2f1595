"""The fake model's server: chat completions, embeddings, models, and `/control`."""

from __future__ import annotations

import gzip
import json
import socket
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from . import responses, styles
from .faults import STATUSES, Fault, find_marker
from .refusals import REFUSALS

# How many request bodies are recorded, for tests.
RECORDED = 1000
# Seconds after which a hanging request ends.
HANG_SECONDS = 600.0


class FakeServer(ThreadingHTTPServer):
    """A context manager that serves on loopback, in a thread.

    `fault` is injected into every call, or into the next `times` ones; a marker in a text, into
    the calls with that text. `delay` is in seconds.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        port: int = 0,
        *,
        delay: float = 0.0,
        dimensions: int = 384,
        retry_after: float = 1.0,
        fault: Fault | None = None,
        times: int | None = None,
    ) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.delay = delay
        self.dimensions = dimensions
        self.retry_after = retry_after
        self.fault = fault
        self.times = times
        # What it supports. With fixed dimensions it rejects the parameter `dimensions`.
        self.output_modes: tuple[str, ...] = ("json_schema", "json_object")
        self.has_fixed_dimensions = False
        self.max_characters = 1_000_000
        # Whether it also serves Ollama's own API, and how many tokens of a prompt it sees there.
        self.is_ollama = False
        self.context: int | None = None
        self.calls: Counter[str] = Counter()
        self.bodies: deque[dict[str, Any]] = deque(maxlen=RECORDED)
        self.headers: deque[dict[str, str]] = deque(maxlen=RECORDED)
        self.stopping = threading.Event()
        self.connections: set[socket.socket] = set()
        self._marker_calls: Counter[str] = Counter()
        self._lock = threading.Lock()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore closed connections, which many of the faults cause."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def __enter__(self) -> FakeServer:
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stopping.set()
        self.shutdown()
        self.server_close()
        # Otherwise kept-alive connections would still be served.
        for connection in list(self.connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def control(self, values: Mapping[str, Any]) -> None:
        """Change `delay`, `retry_after`, `dimensions`, `fault` (null for none) and `times`."""
        with self._lock:  # or a call could see the fault without its `times`
            if "fault" in values:
                self.fault = Fault(values["fault"]) if values["fault"] else None
                self.times = None
            for name, number_type in (
                ("delay", float),
                ("retry_after", float),
                ("dimensions", int),
            ):
                if name in values:
                    setattr(self, name, number_type(values[name]))
            if values.get("times") is not None:
                self.times = int(values["times"])

    def next_fault(self, text: str) -> Fault | None:
        """The fault to inject into this call, which is counted."""
        marker = find_marker(text)
        with self._lock:
            if marker is not None:
                fault, times = marker
                self._marker_calls[text] += 1
                return fault if times is None or self._marker_calls[text] <= times else None
            if self.fault is None or self.times == 0:
                return None
            if self.times is not None:
                self.times -= 1
            return self.fault

    def record_call(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> None:
        with self._lock:
            self.calls[path] += 1
            self.bodies.append(body)
            self.headers.append(headers)


class _Handler(BaseHTTPRequestHandler):
    server: FakeServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        super().finish()

    def do_GET(self) -> None:
        if urlsplit(self.path).path == "/control":
            self._send(200, {"calls": self.server.calls, "fault": self.server.fault})
        else:
            self._send(200, {"object": "list", "data": [{"id": "fake", "object": "model"}]})

    def do_POST(self) -> None:
        path = urlsplit(self.path).path.removeprefix("/v1")
        if path.startswith("/openai/deployments/"):  # Azure
            path = "/" + path.split("/", 4)[-1]
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        if path == "/control":
            self.server.control(body)
            self._send(200, {})
        elif path in responses.RESPONSES and (self.server.is_ollama or "/api/" not in path):
            headers = {name.lower(): value for name, value in self.headers.items()}
            headers["path"] = self.path
            self.server.record_call(path, body, headers)
            self._answer(path, body)
        else:
            self._reject(404, "not_found", "There is no such path.")

    def _answer(self, path: str, body: dict[str, Any]) -> None:
        fault = self.server.next_fault(responses.text_of(body))
        time.sleep(self.server.delay)
        output_mode = body.get("response_format", {}).get("type")
        if output_mode and output_mode not in self.server.output_modes:
            self._reject(400, "unsupported", f"response_format {output_mode} is not supported.")
        elif self.server.has_fixed_dimensions and "dimensions" in body:
            self._reject(400, "unsupported", "This model does not take dimensions.")
        elif any(len(text) > self.server.max_characters for text in responses.inputs(body)):
            self._reject(*STATUSES[Fault.TOO_LONG])
        elif fault in STATUSES:
            self._reject(*STATUSES[fault])
        elif fault in REFUSALS and REFUSALS[fault].applies(body):
            refusal = REFUSALS[fault]
            self._write(refusal.status, refusal.content, "application/json", refusal.headers)
        elif fault is Fault.REDIRECT:
            self._send(307, {}, {"Location": "http://127.0.0.2:9/v1" + path})
        elif fault is Fault.HANG:
            self.server.stopping.wait(HANG_SECONDS)
            self.close_connection = True
        elif fault is Fault.NO_JSON:
            self._write(200, b"<html>It works!</html>", "text/html")
        else:
            self._complete(path, body, fault)

    def _complete(self, path: str, body: dict[str, Any], fault: Fault | None) -> None:
        response = responses.RESPONSES[path](body, fault, self.server.dimensions)
        if self.server.context and "prompt_eval_count" in response:
            count = min(self.server.context, response["prompt_eval_count"])
            response["prompt_eval_count"] = count
        if fault is Fault.FAILED_GENERATION:
            text = response["choices"][0]["message"]["content"]
            error = {"code": "json_validate_failed", "failed_generation": f"Here: {text}"}
            self._send(400, {"error": error})
        else:
            self._deliver(response, fault, streams=bool(body.get("stream")))

    def _deliver(self, response: dict[str, Any], fault: Fault | None, *, streams: bool) -> None:
        content = json.dumps(response).encode()
        if streams or fault in (Fault.EVENTS, Fault.EVENT_ERROR):
            self._write(200, styles.write_events(response), "text/event-stream")
        elif fault is Fault.KEEP_ALIVE:
            self._write(200, b": OPENROUTER PROCESSING\n\n" * 3 + content, "application/json")
        elif fault is Fault.BLANK_LINES:
            self._write(200, b"\n" * 50 + content, "application/json")
        elif fault in (Fault.GZIP, Fault.BOMB):
            content = b" " * (50_000_000 if fault is Fault.BOMB else 0) + content
            headers = {"Content-Encoding": "gzip"}
            self._write(200, gzip.compress(content), "application/json", headers)
        elif fault is Fault.LARGE:
            self._write(200, b" " * 20_000_000 + content, "application/json")
        elif fault in (Fault.CUT, Fault.DRIP):
            self._begin(200, len(content), "application/json")
            self.wfile.write(content[: len(content) // 2])
            while fault is Fault.DRIP and not self.server.stopping.wait(0.02):
                self.wfile.write(b" ")
            self.close_connection = True
        else:
            self._write(200, content, "application/json")

    def _reject(self, status: int, code: str, message: str) -> None:
        headers = {"Retry-After": f"{self.server.retry_after:g}"} if status in (429, 503) else {}
        error_type = "insufficient_quota" if code == "insufficient_quota" else "error"
        error = {"message": message, "type": error_type, "code": code, "param": None}
        self._send(status, {"error": error}, headers)

    def _send(
        self, status: int, body: dict[str, Any], headers: Mapping[str, str] | None = None
    ) -> None:
        self._write(status, json.dumps(body).encode(), "application/json", headers)

    def _write(
        self,
        status: int,
        content: bytes,
        content_type: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._begin(status, len(content), content_type, headers)
        self.wfile.write(content)

    def _begin(
        self, status: int, length: int, content_type: str, headers: Mapping[str, str] | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(length))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: requests contain users' memories."""
