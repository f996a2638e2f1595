"""One process of the web server: an event loop for its connections, and threads for requests."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from core import logs
from core.api.shutdown import draining

# The time that requests in progress have to finish once the server is asked to stop.
GRACE_SECONDS = 5
# Tells a process that it will be stopped soon.
DRAIN_SIGNAL = signal.SIGUSR1
# Connections that wait to be accepted.
BACKLOG = 2048


def serve(listener: socket.socket) -> None:
    """Serve the connections of this socket until a stop signal."""
    # Otherwise the process would survive a killed master, and keep the port.
    master = multiprocessing.parent_process()
    if master is not None and master.pid is not None:
        watch_parent(master.pid, lambda: os._exit(1))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the master tells when to stop
    signal.signal(DRAIN_SIGNAL, lambda *_: draining.set())
    from django.conf import settings

    logs.configure(settings.LOGGING)
    from core.observability import tracing
    from openmemory.wsgi import application
    from server.edge import event_loop  # its modules need the models, which are loaded now

    tracing.start()
    threading.Thread(target=_warm_up, name="warm-up", daemon=True).start()
    event_loop.run(application, listener, backlog=BACKLOG, grace_seconds=GRACE_SECONDS)
    tracing.stop()
    os._exit(0)  # requests that have not finished by now would delay the exit


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
