"""Ports for programs that tests start."""

from __future__ import annotations

import random
import socket

# Below the ports that Linux and macOS give to outgoing connections: one of those can be taken
# again between this question and the start of the program.
PORTS = range(10_000, 32_000)

# pytest-randomly gives every process of pytest the same numbers of `random`.
numbers = random.SystemRandom()


def free_port() -> int:
    """Choose a port of 127.0.0.1 that nobody listens on."""
    while True:
        port = numbers.choice(PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
