"""The web server's process: `python -m server.web`.

Rationale: docs/decisions/0002-web-server.md.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import resource
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels

from core.api.shutdown import draining, stopping
from core.observability import multiprocess
from server import bootstrap

# The time that requests in progress have to finish once the server is asked to stop.
GRACE_SECONDS = 5
# Tells a worker that it will be stopped soon.
DRAIN_SIGNAL = signal.SIGUSR1
# Open connections per process. An idle connection costs next to nothing.
MAX_CONNECTIONS = 8192


def main() -> None:
    from django.conf import settings

    from core import logs

    watch_parent(os.getppid(), _terminate)
    _allow_many_connections()
    logs.configure(settings.LOGGING)
    multiprocess.share_metrics(settings.METRICS_FOLDER, "web")
    server = _Server(
        "openmemory.wsgi:application",
        address=settings.HOST,
        port=settings.PORT,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=settings.WEB_PROCESSES,
        blocking_threads=settings.WEB_THREADS + settings.AGENT_STREAMS,
        backlog=2048,
        backpressure=MAX_CONNECTIONS,
        respawn_failed_workers=True,
        workers_kill_timeout=GRACE_SECONDS,
        log_level=LogLevels.error,
        # Send its errors to our log, in the same format.
        log_dictconfig={"loggers": {"_granian": {"handlers": [], "propagate": True}}},
    )
    server.serve(target_loader=load_application, wrap_loader=False)


class _Server(Granian):  # type: ignore[valid-type, misc]
    """A server that reports that it is not ready for DRAIN_SECONDS before it stops."""

    draining = False

    def signal_handler_interrupt(self, *_: Any) -> None:
        """Stop after load balancers had time to notice. A second signal stops at once."""
        from django.conf import settings

        if self.draining or not settings.DRAIN_SECONDS:
            self._stop()
            return
        self.draining = True
        for worker in self.wrks:
            with suppress(ProcessLookupError):  # it has just exited, and is being replaced
                os.kill(worker.inner.pid, DRAIN_SIGNAL)
        timer = threading.Timer(settings.DRAIN_SECONDS, self._stop)
        timer.daemon = True
        timer.start()

    def _stop(self) -> None:
        super().signal_handler_interrupt()


def load_application() -> Callable[..., Any]:
    """Load the application in a worker."""
    # Otherwise the workers would survive a killed server, and keep the port.
    master = multiprocessing.parent_process()
    if master is not None and master.pid is not None:
        watch_parent(master.pid, _exit)
    watch_signals()
    from core.observability import tracing
    from openmemory.wsgi import application

    tracing.start()
    threading.Thread(target=_warm_up, name="warm-up", daemon=True).start()
    return application


def _warm_up() -> None:
    """Load slow modules and the embedding model before the first request, in each process."""
    from django.db import Error

    from core.errors import OpenMemoryError
    from memories.readiness import check_embedder

    with suppress(Error, OpenMemoryError):  # the readiness check reports it
        check_embedder()
    importlib.import_module("agents.views")  # imports the MCP SDK; clients wait ten seconds


def watch_parent(parent: int, end: Callable[[], None]) -> None:
    """Call `end` from a thread when the parent of this process exits."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.2)
        end()

    threading.Thread(target=watch, name="follow-parent", daemon=True).start()


def watch_signals() -> None:
    """Set `draining` on DRAIN_SIGNAL, and both `draining` and `stopping` on a stop signal.

    The server replaces signal handlers after it has loaded the application, so this uses the
    wakeup file descriptor.
    """
    receiver, sender = socket.socketpair()
    sender.setblocking(False)
    signal.signal(DRAIN_SIGNAL, _ignore_signal)
    signal.set_wakeup_fd(sender.detach())  # stays open until the process exits

    def wait() -> None:
        while not stopping.is_set():
            (number,) = receiver.recv(1)
            draining.set()
            if number != DRAIN_SIGNAL:
                stopping.set()

    threading.Thread(target=wait, name="watch-signals", daemon=True).start()


def _ignore_signal(*_: Any) -> None:
    """The wakeup file descriptor handles the signal."""


def _terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def _exit() -> None:
    os._exit(1)


def _allow_many_connections() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    required = MAX_CONNECTIONS + 1024
    if soft != resource.RLIM_INFINITY and soft < required:
        limit = required if hard == resource.RLIM_INFINITY else min(required, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


if __name__ == "__main__":
    with bootstrap.report_invalid_settings():
        main()
