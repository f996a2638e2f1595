"""The web server's process: `python -m server.web`.

Why this server, and why so: docs/decisions/0002-web-server.md.
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

# Requests in hand are finished for so long after the server was told to stop.
GRACE_SECONDS = 5
# What a worker is sent when it is to be stopped soon.
LEAVE = signal.SIGUSR1
# Connections that one process holds at once. An idle one costs it next to nothing.
CONNECTIONS = 8192


def main() -> None:
    from django.conf import settings

    from core import logs

    follow_parent(os.getppid(), _stop)
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
        backpressure=CONNECTIONS,
        respawn_failed_workers=True,
        workers_kill_timeout=GRACE_SECONDS,
        log_level=LogLevels.error,
        # Its errors go where our log goes, and look alike.
        log_dictconfig={"loggers": {"_granian": {"handlers": [], "propagate": True}}},
    )
    server.serve(target_loader=load, wrap_loader=False)


class _Server(Granian):  # type: ignore[valid-type, misc]
    """A server that can say that it is leaving before it leaves."""

    def signal_handler_interrupt(self, *_: Any) -> None:
        """Stop once whoever sends requests here had time to notice; told twice, at once."""
        from django.conf import settings

        if self.leaves or not settings.DRAIN_SECONDS:
            self._leave()
            return
        self.leaves = True
        for worker in self.wrks:
            with suppress(ProcessLookupError):  # it has just ended, and another takes its place
                os.kill(worker.inner.pid, LEAVE)
        waiting = threading.Timer(settings.DRAIN_SECONDS, self._leave)
        waiting.daemon = True
        waiting.start()

    def _leave(self) -> None:
        super().signal_handler_interrupt()

    leaves = False


def load() -> Callable[..., Any]:
    """Make the application, in the worker that serves it."""
    # The server's own workers would outlive it if it was killed, and keep the port.
    master = multiprocessing.parent_process()
    if master is not None and master.pid is not None:
        follow_parent(master.pid, _end)
    notice_end()
    from core.observability import tracing
    from openmemory.wsgi import application

    tracing.start()
    threading.Thread(target=_warm, name="warm", daemon=True).start()
    return application


def _warm() -> None:
    """Load what takes seconds before anybody waits for it, in each process."""
    from django.db import Error

    from core.errors import OpenMemoryError
    from memories import readiness

    with suppress(Error, OpenMemoryError):  # whoever asks whether the server is ready is told
        readiness.embedder()
    importlib.import_module("agents.views")  # with the SDK, for which clients wait ten seconds


def follow_parent(parent: int, end: Callable[[], None]) -> None:
    """Call `end` from a thread once the parent of this process is gone."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.2)
        end()

    threading.Thread(target=watch, name="follow-parent", daemon=True).start()


def notice_end() -> None:
    """Set `leaving` once this process is sent LEAVE, and `ending` too once it is told to stop.

    The server sets its own handlers after the application is made, and tells nobody.
    """
    told, tell = socket.socketpair()
    tell.setblocking(False)
    signal.signal(LEAVE, _go_on)
    signal.set_wakeup_fd(tell.detach())  # open for as long as the process lives

    def wait() -> None:
        while not stopping.is_set():
            (number,) = told.recv(1)
            draining.set()
            if number != LEAVE:
                stopping.set()

    threading.Thread(target=wait, name="notice-end", daemon=True).start()


def _go_on(*_: Any) -> None:
    """Handle a signal that only the wakeup is for."""


def _stop() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def _end() -> None:
    os._exit(1)


def _allow_many_connections() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + 1024
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


if __name__ == "__main__":
    with bootstrap.explained():
        main()
