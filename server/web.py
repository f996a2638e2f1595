"""The web server: `python -m server.web`. Its processes share one socket.

Rationale: docs/decisions/0002-web-server.md and 0039-processes-and-memory.md.
"""

from __future__ import annotations

import resource
import socket

from server import bootstrap, forks, preload
from server.edge import limits
from server.master import Master, Role
from server.web_process import BACKLOG, GRACE_SECONDS, serve

# Descriptors beside those of connections: files, pools, the sockets of providers.
OTHER_DESCRIPTORS = 1024


def main() -> None:
    from django.conf import settings

    preload.limit_arenas()
    preload.load_modules(jobs=False)
    preload.load_model()
    role = make_role()
    forks.freeze()
    Master([role], drain_seconds=settings.DRAIN_SECONDS).run()


def make_role() -> Role:
    """Listen on the port, and describe the processes that serve it."""
    from django.conf import settings

    _allow_many_connections()
    listener = _listen(settings.HOST, settings.PORT)
    return Role(
        "openmemory-web",
        lambda: serve(listener),
        number=settings.WEB_PROCESSES,
        stop_seconds=GRACE_SECONDS + 1,
        drains=True,
    )


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
