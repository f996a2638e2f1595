"""Containers of the server, as plain processes: the commands and the settings of the files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import requests

from tests.deadline import SECONDS
from tests.free_ports import free_port

from .files import COMPOSE, DOCKER, compose, image_environment
from .services import Services, wait_until

CODE = DOCKER.parent


class Container:
    """A process that runs what a service of compose.yaml says, as its settings say it.

    What a container has to itself, ports and folders, is its own here by another number or name.
    """

    def __init__(self, name: str, services: Services, **changes: str) -> None:
        self.name, self.services = name, services
        self.said: dict[str, Any] = compose(COMPOSE)["services"][name]
        self.port, self.metrics_port = free_port(), free_port()
        self.state = services.own(f"{name}-{self.port}")
        (self.state / "jobs").symlink_to(services.folder / "jobs")
        self.environment = self._environment() | changes
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def command(self) -> list[str]:
        return self._ours(self.said.get("command", ["python", "-m", "server.web"]))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _environment(self) -> dict[str, str]:
        said = {**image_environment(), **self.said["environment"]}
        own = {
            "PATH": os.defpath,
            "PORT": str(self.port),
            "OPENMEMORY_STATE_DIR": str(self.state),
            "OPENMEMORY_WORKER_METRICS_PORT": str(self.metrics_port),
            "OPENMEMORY_BACKUP_FOLDER": str(self.services.folder / "backups"),
            "DJANGO_SETTINGS_MODULE": "openmemory.settings",
        }
        files = {
            name: value.replace("/run/secrets", str(self.services.secrets))
            for name, value in said.items()
            if name.endswith("_FILE")
        }
        return {name: str(value) for name, value in {**said, **files, **own}.items()}

    def _ours(self, command: list[str]) -> list[str]:
        ports = {"8000": str(self.port), "9100": str(self.metrics_port)}
        words = [sys.executable if word == "python" else word for word in command]
        for theirs, here in ports.items():
            words = [word.replace(f"127.0.0.1:{theirs}", f"127.0.0.1:{here}") for word in words]
        return words

    def execute(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command beside what runs there, as `docker compose exec` does."""
        return subprocess.run(
            self._ours(list(command)),
            cwd=CODE,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )

    def start(self) -> Container:
        self.process = self.services.spawn(self.command, environment=self.environment, folder=CODE)
        return self

    def wait(self) -> int:
        assert self.process is not None
        return self.process.wait(SECONDS)

    def check_running(self) -> None:
        """Fail where it has ended by itself, in place of waiting for what it does not answer."""
        assert self.process is not None
        assert self.process.poll() is None, self.services.log()

    def is_well(self) -> bool:
        self.check_running()
        _, *command = self.said["healthcheck"]["test"]
        return self.execute(*command).returncode == 0

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(int(self.said.get("stop_grace_period", "10s").removesuffix("s")))

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(SECONDS)


class Web(Container):
    """The web server, and whoever asks it with a key."""

    key = ""

    def wait_until_ready(self) -> None:
        def ready() -> None:
            self.check_running()
            requests.get(f"{self.url}/health/ready", timeout=SECONDS).raise_for_status()

        wait_until(ready, requests.RequestException)

    def call(self, method: str, path: str, **request: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.key}"}
        url = f"{self.url}/api/v1{path}"
        return requests.request(method, url, headers=headers, timeout=SECONDS, **request)


def shared_folders(services: Services) -> None:
    """Make the volumes that several containers mount, and point the secrets to where it is here."""
    for name in ("jobs", "backups"):
        services.own(name)
    for name, url in (
        ("database_url", services.database_url),
        ("redis_url", services.redis_url),
    ):
        Path(services.secrets / name).unlink()
        (services.secrets / name).write_text(url)
        (services.secrets / name).chmod(0o444)
