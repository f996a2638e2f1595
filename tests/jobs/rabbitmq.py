"""A RabbitMQ of a test's own, which leaves alone one that the machine may run."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path

from tests.deadline import SECONDS, eventually
from tests.free_ports import free_port

# Debian's command of this name changes to a user and to folders of its own, and then runs this.
DEBIANS = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")


def program() -> str | None:
    """The program to start, if it is installed here."""
    return str(DEBIANS) if DEBIANS.exists() else shutil.which("rabbitmq-server")


class RabbitMQ:
    def __init__(self, folder: Path) -> None:
        self.port, nodes_port = free_port(), free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}//"
        self._folder = folder  # where it leaves what it has to say of its end, too
        self._log = folder / "log"
        self._environment = {
            **os.environ,
            "HOME": str(folder),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(nodes_port),
            "RABBITMQ_NODENAME": "openmemory@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),
            "RABBITMQ_CONFIG_FILE": str(folder / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_FEATURE_FLAGS_FILE": str(folder / "flags"),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_LOGS": "-",
        }
        # What its nodes find each other by. It would be started, and left running, if it was not.
        self._names = subprocess.Popen(["epmd"], env=self._environment)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [program() or ""]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self._folder,
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        assert eventually(self._answers), self._log.read_text()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(SECONDS)
        self._process = None

    def end(self) -> None:
        self.kill()
        self._names.kill()
        self._names.wait(SECONDS)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
