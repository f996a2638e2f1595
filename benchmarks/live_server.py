"""A live server to measure, and its clients: fast ones and slow ones."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

CHECKOUT = Path(__file__).resolve().parent.parent
START_SECONDS = 600  # at most, on a busy machine


class Client:
    """One keep-alive connection with one key. Not thread-safe."""

    prefix = "/api/v1"

    def __init__(self, url: str, key: str) -> None:
        self.url, self.key = url, key
        address = urlsplit(url).netloc
        self._connection = http.client.HTTPConnection(address, timeout=120)
        self.headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def new_connection(self) -> Client:
        """A new connection of the same user."""
        return Client(self.url, self.key)

    def get(self, path: str) -> Any:
        return self._call("GET", path, None)

    def post(self, path: str, body: Any) -> Any:
        return self._call("POST", path, json.dumps(body))

    def post_async(self, path: str, body: Any) -> str:
        """Have a job do it, and return its path."""
        self.headers["Prefer"] = "respond-async"
        return f"/jobs/{self.post(path, body)['id']}"

    def put(self, path: str, body: Any) -> Any:
        return self._call("PUT", path, json.dumps(body))

    def patch(self, path: str, body: Any) -> Any:
        return self._call("PATCH", path, json.dumps(body))

    def delete(self, path: str) -> Any:
        return self._call("DELETE", path, None)

    def _call(self, method: str, path: str, body: str | None) -> Any:
        self._connection.request(method, f"{self.prefix}{path}", body, self.headers)
        response = self._connection.getresponse()
        content = response.read()
        if response.status == 429:
            time.sleep(int(response.headers["Retry-After"]))
            return self._call(method, path, body)
        if response.status >= 300:
            raise SystemExit(f"{method} {path} returned {response.status}: {content[:500]!r}")
        return json.loads(content)


@dataclass(frozen=True)
class Server:
    url: str
    key: str  # of an operator

    def client(self, key: str | None = None) -> Client:
        return Client(self.url, key or self.key)

    def new_user(self, user_id: str) -> Client:
        return self.client(self.client().post("/users", {"user_id": user_id})["api_key"])


def scratch_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="openmemory-benchmark-")


@contextmanager
def own_server(folder: str | None = None, **environment: str) -> Iterator[Server]:
    """Start a server, whose database this process shares.

    In this folder, or in one that is deleted afterwards. Only the server has the variables.
    """
    with nullcontext(folder) if folder else scratch_folder() as folder:
        port = free_port()
        os.environ |= {
            "OPENMEMORY_STATE_DIR": folder,
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "USER": "benchmark",
            "OPENMEMORY_LOG_FORMAT": "json",
            "OPENMEMORY_LOG_LEVEL": "WARNING",
            "OPENMEMORY_RATE_READS": "off",
            "OPENMEMORY_RATE_WRITES": "off",
            "DATABASE_URL": "",
            "REDIS_URL": "",
        }
        command = [sys.executable, "manage.py", "run", "--with-parent"]
        with subprocess.Popen(
            command, cwd=CHECKOUT, env=os.environ | environment, stdout=subprocess.DEVNULL
        ) as process:
            try:
                url = f"http://127.0.0.1:{port}"
                wait_for(url, process)
                yield Server(url, (Path(folder) / "api_key").read_text().strip())
            finally:
                process.send_signal(signal.SIGTERM)


@contextmanager
def slow_clients(url: str, key: str, count: int) -> Iterator[None]:
    """Clients that have sent the head of a request, and send its body at a byte per second."""
    host, port = urlsplit(url).hostname, urlsplit(url).port
    head = (
        f"POST /api/v1/memories HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n"
        "Content-Type: application/json\r\nContent-Length: 10000\r\n\r\n"
    )
    sockets = [socket.create_connection((host, port)) for _ in range(count)]
    stop = threading.Event()

    def send_slowly() -> None:
        while not stop.wait(1):
            for client in sockets:
                client.sendall(b" ")

    for client in sockets:
        client.sendall(head.encode())
    thread = threading.Thread(target=send_slowly)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        for client in sockets:
            client.close()


def setup_django() -> None:
    """Make the server's code and database usable in this process."""
    sys.path.insert(0, str(CHECKOUT))
    os.environ["DJANGO_SETTINGS_MODULE"] = "openmemory.settings"
    import django

    django.setup()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
        try:
            connection.request("GET", "/health/ready")
            if connection.getresponse().status == 200:
                return
        except (ConnectionError, TimeoutError):
            pass
        finally:
            connection.close()
        time.sleep(0.2)
    raise SystemExit("The server did not start. Run `make run` to see why.")
