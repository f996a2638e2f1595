"""The web server: `python -m server.web`. Its processes share one socket.

Rationale: docs/decisions/0002-web-server.md.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import socket
import time
from multiprocessing.context import SpawnProcess
from types import FrameType

import structlog

from core.observability import multiprocess
from server import bootstrap
from server.edge import limits
from server.web_process import BACKLOG, DRAIN_SIGNAL, GRACE_SECONDS, serve, watch_parent

log = structlog.get_logger("openmemory.web")

TICK = 0.2
# Seconds before a process that exited at once is replaced.
RESPAWN_SECONDS = 3.0
# Descriptors beside those of connections: files, pools, the sockets of providers.
OTHER_DESCRIPTORS = 1024


def main() -> None:
    from django.conf import settings

    from core import logs

    watch_parent(os.getppid(), lambda: os.kill(os.getpid(), signal.SIGTERM))
    _allow_many_connections()
    logs.configure(settings.LOGGING)
    multiprocess.share_metrics(settings.METRICS_FOLDER, "web")
    listener = _listen(settings.HOST, settings.PORT)
    Master(listener, processes=settings.WEB_PROCESSES, drain_seconds=settings.DRAIN_SECONDS).run()


class Master:
    """Replaces processes that exit, and stops all of them on a signal."""

    def __init__(self, listener: socket.socket, *, processes: int, drain_seconds: float) -> None:
        self._listener = listener
        self._processes: list[SpawnProcess] = []
        self._number = processes
        self._drain_seconds = drain_seconds
        self._started_at = 0.0
        self._stop_at: float | None = None

    def run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._request_stop)
        while self._stop_at is None or time.monotonic() < self._stop_at:
            if self._stop_at is None:
                self._replace()
            time.sleep(TICK)
        self._stop()

    def _request_stop(self, number: int, frame: FrameType | None) -> None:
        """Stop after load balancers had time to notice. A second signal stops at once."""
        is_first = self._stop_at is None
        self._stop_at = time.monotonic() + (self._drain_seconds if is_first else 0)
        for process in self._processes:
            if process.pid and process.is_alive():
                os.kill(process.pid, DRAIN_SIGNAL)

    def _replace(self) -> None:
        running = [process for process in self._processes if process.is_alive()]
        if len(running) == self._number:
            return
        if self._processes:
            log.error("a web process exited", left=len(running))
            time.sleep(max(0.0, self._started_at + RESPAWN_SECONDS - time.monotonic()))
        self._started_at = time.monotonic()
        spawn = multiprocessing.get_context("spawn")
        for _ in range(self._number - len(running)):
            process = spawn.Process(target=serve, args=(self._listener,))
            process.start()
            running.append(process)
        self._processes = running

    def _stop(self) -> None:
        self._listener.close()
        for process in self._processes:
            process.terminate()
        deadline = time.monotonic() + GRACE_SECONDS + 1
        for process in self._processes:
            process.join(max(0.0, deadline - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()


def _listen(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(address)
    listener.listen(BACKLOG)
    return listener


def _allow_many_connections() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    required = limits.CONNECTIONS + OTHER_DESCRIPTORS
    if soft != resource.RLIM_INFINITY and soft < required:
        limit = required if hard == resource.RLIM_INFINITY else min(required, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


if __name__ == "__main__":
    with bootstrap.report_invalid_settings():
        main()
