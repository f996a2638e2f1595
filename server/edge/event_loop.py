"""The event loop of a web process, until a stop signal."""

from __future__ import annotations

import signal
import socket
import threading
from types import FrameType
from typing import cast

import uvicorn

from core.api.shutdown import draining, stopping

from .asgi import Edge
from .exchange import EdgeConnection
from .limits import IDLE_SECONDS
from .wsgi_response import Application


def run(
    application: Application, listener: socket.socket, *, backlog: int, grace_seconds: int
) -> None:
    """Serve the connections of this socket until a stop signal."""
    server = build_server(application, backlog=backlog, grace_seconds=grace_seconds)
    server.run(sockets=[listener])


def build_server(application: Application, *, backlog: int, grace_seconds: int) -> EdgeServer:
    config = uvicorn.Config(
        Edge(application),
        http=EdgeConnection,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=backlog,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=grace_seconds,
    )
    return EdgeServer(config)


class EdgeServer(uvicorn.Server):
    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until SIGTERM. Outside the main thread, until `should_exit` is set."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self.handle_exit)
        await self._serve(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        draining.set()
        stopping.set()
        self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        if counter % 10 == 0:  # once a second
            for connection in list(cast(set[EdgeConnection], self.server_state.connections)):
                connection.close_if_overdue()
        return await super().on_tick(counter)
