"""A server as `make run` starts it, in a state folder of a test's own."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import requests
from django.conf import settings

from tests import migrated_data
from tests.deadline import SECONDS
from tests.free_ports import free_port


class Server:
    """`migrated`: without a database, it begins with one whose migrations are done."""

    def __init__(self, state_dir: Path, *, migrated: bool = True, **environment: str) -> None:
        self.state_dir = state_dir
        self.migrated = migrated
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "openmemory.settings",
            "OPENMEMORY_STATE_DIR": str(state_dir),
            "PORT": str(self.port),
            "HOST": "127.0.0.1",
            "USER": "alice",
            "DATABASE_URL": "",
            "REDIS_URL": "",
            **environment,
        }
        self.process: subprocess.Popen[str] | None = None
        self.said = ""
        self._lines: queue.Queue[str | None] = queue.Queue()

    def manage(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command of manage.py."""
        return subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=settings.BASE_DIR,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # As on a terminal, where Ctrl-C reaches a whole group.
            process_group=0,
        )

    def output_of(self, *arguments: str) -> str:
        """Run a command of manage.py: what it writes to standard output alone."""
        ended = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=settings.BASE_DIR,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout.strip()

    def start(self) -> None:
        """Start it, and return when it says that it runs."""
        if self.migrated and not self.environment["DATABASE_URL"]:
            migrated_data.copy_to(self.state_dir)
        self.said = ""
        self._lines = queue.Queue()
        self.process = self.manage("run")
        threading.Thread(target=_read, args=(self.process, self._lines), daemon=True).start()
        self.wait_for("Press Ctrl-C to stop it.")

    def wait_for(self, text: str) -> None:
        """Read what it says until it says this."""
        while text not in self.said:
            line = self._lines.get(timeout=SECONDS)
            assert line is not None, f"It ended, and never said {text!r}:\n{self.said}"
            self.said += line

    def end(self, number: int) -> int:
        """Send it a signal as a terminal does, and return the status it ended with."""
        assert self.process is not None
        os.killpg(self.process.pid, number)
        status = self.process.wait(SECONDS)
        self.process = None
        return status

    def kill_everything(self) -> None:
        tree = self.tree()
        for process in tree:
            with suppress(psutil.NoSuchProcess):  # its parent was quicker to end it
                process.kill()
        psutil.wait_procs(tree, SECONDS)
        if self.process is not None:
            self.process.wait(SECONDS)
        self.process = None

    @property
    def key(self) -> str:
        return (self.state_dir / "api_key").read_text()

    def get(self, path: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.key}", "Connection": "close"}
        return requests.get(f"{self.url}{path}", headers=headers, timeout=SECONDS)

    def post(self, path: str, body: object) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.key}", "Connection": "close"}
        return requests.post(f"{self.url}{path}", json=body, headers=headers, timeout=SECONDS)

    def is_ready(self) -> bool:
        try:
            return self.get("/health/ready").status_code == 200
        except requests.ConnectionError:
            return False

    def tree(self) -> list[psutil.Process]:
        """Every process that works for this state folder, the supervisor too."""
        return [process for process in psutil.process_iter() if self._owns(process)]

    def _owns(self, process: psutil.Process) -> bool:
        try:
            # PostgreSQL's environment is not ours, and the others' folder is not.
            in_folder = Path(process.cwd()).is_relative_to(self.state_dir)
            environment = process.environ() if not in_folder else {}
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return False
        return in_folder or environment.get("OPENMEMORY_STATE_DIR") == str(self.state_dir)

    def child(self, *words: str) -> psutil.Process:
        """Find the one process of the tree whose name and command line have all these words."""
        return next(self._children(words))

    def has_child(self, *words: str) -> bool:
        return any(self._children(words))

    def _children(self, words: tuple[str, ...]) -> Iterator[psutil.Process]:
        assert self.process is not None
        for process in psutil.Process(self.process.pid).children(recursive=True):
            if all(word in _command(process) for word in words):
                yield process


def _command(process: psutil.Process) -> str:
    try:
        return " ".join([process.name(), *process.cmdline()])
    except psutil.NoSuchProcess:
        return ""


def _read(process: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
    assert process.stdout is not None
    with process.stdout as output:
        for line in output:
            lines.put(line)
    lines.put(None)
