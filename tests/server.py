"""A server as a person runs it, with services and a state folder of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import requests
from django.conf import settings

MANAGE = Path(settings.BASE_DIR) / "manage.py"


@dataclass(frozen=True)
class Server:
    """`folder` is where it was started: its state is in `var/` there."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def key(self) -> str:
        return (self.folder / "var" / "api_key").read_text().strip()

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in SETTINGS}
        state = str(self.folder / "var")
        return {**kept, "OPENMEMORY_STATE_DIR": state, "PORT": str(self.port), "USER": "default"}

    def manage(self, *arguments: str) -> str:
        """Run a command of `manage.py` beside the server, and return what it prints."""
        done = subprocess.run(
            [sys.executable, MANAGE, *arguments],
            env=self.environment, stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
        return done.stdout.strip()

    def call(self, method: str, path: str, **request: Any) -> Any:
        """Call the API as the default user, who is an operator."""
        headers = {"Authorization": f"Bearer {self.key}"}
        answer = requests.request(
            method, f"{self.url}/api/v1{path}", headers=headers, timeout=60, **request
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None


# What this process has set for its own tests, or the shell for another server.
SETTINGS = {"DJANGO_SETTINGS_MODULE", "DATABASE_URL", "REDIS_URL", "HOST"}


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """One for all tests that need it: each brings a user of its own."""
    with TemporaryDirectory(prefix="openmemory-server-") as folder, running(Path(folder)) as server:
        yield server


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    server = Server(folder, _free_port())
    with (folder / "said").open("w") as said:
        process = subprocess.Popen(
            [sys.executable, MANAGE, "run"],
            cwd=folder, env=server.environment, stdout=said, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        _wait_until_it_runs(process, folder / "said")
        yield server
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def _wait_until_it_runs(process: subprocess.Popen[bytes], said: Path) -> None:
    deadline = time.monotonic() + 120
    while "OpenMemory is running." not in said.read_text():
        assert process.poll() is None, said.read_text()
        assert time.monotonic() < deadline, said.read_text()
        time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
