"""The event loop of a web process, until a stop signal."""

from __future__ import annotations

import signal
import socket
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
    _Server(config).run(sockets=[listener])


class _Server(uvicorn.Server):
    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
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
