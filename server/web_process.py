"""One process of the web server: an event loop for its connections, and threads for requests."""

from __future__ import annotations

import importlib
import os
import signal
import socket
import threading
from contextlib import suppress

from core.api.shutdown import draining

# The time that requests in progress have to finish once the server is asked to stop.
GRACE_SECONDS = 5
# Tells a process that it will be stopped soon.
DRAIN_SIGNAL = signal.SIGUSR1
# Connections that wait to be accepted.
BACKLOG = 2048


def serve(listener: socket.socket) -> None:
    """Serve the connections of this socket until a stop signal."""
    signal.signal(DRAIN_SIGNAL, lambda *_: draining.set())
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
