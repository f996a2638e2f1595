"""A web server with TLS, on which programs publish documents about themselves."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Web(ThreadingHTTPServer):
    """A web server with TLS. `answer` is what it sends, by path."""

    daemon_threads = True

    def __init__(self, context):
        super().__init__(("127.0.0.1", 0), Handler)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.requests, self.answers = [], {}
        self.host = f"localhost:{self.server_port}"

    def put(self, path, values, *, status=200, **headers):
        body = values if isinstance(values, bytes) else json.dumps(values).encode()
        self.answers[path] = status, headers, body
        return f"https://{self.host}{path}"

    def document(self, path="/client.json", **changes):
        address = f"https://{self.host}{path}"
        values = {
            "client_id": address,
            "client_name": "Claude Code",
            "redirect_uris": ["http://127.0.0.1/callback"],
            "token_endpoint_auth_method": "none",
            **changes,
        }
        return self.put(path, {name: each for name, each in values.items() if each is not None})

    def handle_error(self, request, client_address):
        pass


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests.append(self.path)
        status, headers, body = self.server.answers.get(self.path, (404, {}, b""))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if headers.get("X-Drip"):
            with suppress(OSError):
                for _ in range(100):
                    self.wfile.write(b" ")
                    time.sleep(0.2)
        self.wfile.write(body)

    def log_message(self, *args):
        pass
