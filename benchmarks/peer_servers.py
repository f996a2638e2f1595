"""The servers that `peers.py` compares: how each is installed, started and asked."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple
from urllib.parse import quote

import psutil
from live_server import CHECKOUT, free_port
from soak import MEGABYTE, proportional_bytes

START_SECONDS = 600  # at most, on a busy machine
STOP_SECONDS = 60
# Every process of a server inherits it, also those that outlive or leave their parent.
MARK = "OPENMEMORY_BENCHMARK_PEER"
# What is inherited: a peer reads no settings of this project, and none of the user's.
INHERITED = ("PATH", "LANG", "TZ", "SSL_CERT_FILE")


Variables = dict[str, str]


class NotRunnableError(Exception):
    """A peer that cannot be installed or started: the message says why."""


class Request(NamedTuple):
    method: str
    path: str
    body: Any = None
    headers: dict[str, str] = {}


class Peer(ABC):
    """A server with one user's memories. What it has no request for is named in `lacks`."""

    name: ClassVar[str]
    requirements: ClassVar[tuple[str, ...]] = ()
    lacks: ClassVar[dict[str, str]] = {}
    note: ClassVar[str] = ""
    health: ClassVar[str] = "/health"
    batch: ClassVar[int] = 500

    def __init__(self, environments: Path, folder: Path, model: str) -> None:
        self.environment = environments / "-".join(self.name.lower().split())
        self.folder = folder / self.environment.name
        self.model = model
        self.port = free_port()
        self.headers = {"Content-Type": "application/json"}
        self.processes: list[subprocess.Popen[bytes]] = []

    @property
    def title(self) -> str:
        return f"{self.name} ({self.requirements[0]})" if self.requirements else self.name

    @property
    def python(self) -> Path:
        return self.environment / "bin" / "python"

    @abstractmethod
    def command(self) -> list[str]:
        """The program that serves."""

    @abstractmethod
    def settings(self) -> Variables:
        """Its variables."""

    @abstractmethod
    def request(self, work: str, text: str, pk: str) -> Request:
        """What is sent for a work: for search, the text is a query."""

    @abstractmethod
    def load(self, texts: Sequence[str]) -> Request:
        """What stores texts as they are, at most a batch of them."""

    @abstractmethod
    def ids(self, page: Any) -> list[str]:
        """The ids in an answer to a list."""

    def install(self) -> None:
        """Into a virtual environment of its own, unless it is there."""
        if not self.requirements or (self.environment / "installed").exists():
            return
        for command in (
            [interpreter(), "-m", "venv", "--clear", self.environment],
            [self.python, "-m", "pip", "install", "--quiet", *self.requirements],
        ):
            step = subprocess.run(command, capture_output=True, text=True)
            if step.returncode:
                raise NotRunnableError(f"{step.stdout}{step.stderr}".strip().splitlines()[-1])
        (self.environment / "installed").touch()

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "output.log").open("wb") as output:
            process = subprocess.Popen(
                self.command(), cwd=self.folder, env=self.variables(), stdout=output, stderr=output
            )
        self.processes.append(process)
        self._wait(process)

    def variables(self) -> Variables:
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        return inherited | {"HOME": str(self.folder), MARK: str(self.folder)} | self.settings()

    def fill(self, texts: Sequence[str]) -> None:
        """Store these texts as they are, before anything is measured."""
        caller = Caller(self)
        for start in range(0, len(texts), self.batch):
            caller.call(self.load(texts[start : start + self.batch]))

    def stop(self) -> float:
        """Ask it to stop, and return after how many seconds all processes have ended."""
        started = time.monotonic()
        services = set(map(psutil.Process, self.services()))
        for service in list(services):
            services |= set(service.children(recursive=True))
        tree = [process for process in self.tree() if process not in services]
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        _, left = psutil.wait_procs(tree, timeout=STOP_SECONDS)
        seconds = time.monotonic() - started
        for survivor in left:
            survivor.kill()
        return seconds

    def tree(self) -> list[psutil.Process]:
        """All its processes, also those that have left their parent."""
        tree = {pid: psutil.Process(pid) for pid in self.roots()}
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) == str(self.folder):
                    tree[process.pid] = process
            except psutil.Error:  # it has ended, or belongs to somebody else
                continue
        for process in list(tree.values()):
            tree |= {child.pid: child for child in process.children(recursive=True)}
        return list(tree.values())

    def footprint(self) -> tuple[float, int]:
        """The PSS of all processes in megabytes, and how many there are."""
        sizes = [size for size in map(proportional_bytes, self.tree()) if size]
        return sum(sizes) / MEGABYTE, len(sizes)

    def processor_seconds(self) -> float:
        """Of all processes until now."""
        return sum(sum(times) for times in map(_cpu_times, self.tree()))

    def roots(self) -> list[int]:
        own = [process.pid for process in self.processes if process.poll() is None]
        return [*own, *self.services()]

    def services(self) -> list[int]:
        """What was started beside the server, and is stopped after it."""
        return []

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            try:
                Caller(self).call(Request("GET", self.health))
                return
            except (OSError, http.client.HTTPException, CallFailedError):
                time.sleep(0.1)
        lines = (self.folder / "output.log").read_text(errors="replace").strip().splitlines()
        raise NotRunnableError(lines[-1] if lines else f"no answer within {START_SECONDS} s")


def _cpu_times(process: psutil.Process) -> tuple[float, ...]:
    try:
        return tuple(process.cpu_times()[:4])  # with those of children that have ended
    except psutil.NoSuchProcess:
        return ()


class OnPostgres(Peer):
    """A peer with a PostgreSQL of its own, of this project's build and with its settings."""

    def start(self) -> None:
        sys.path.insert(0, str(CHECKOUT))
        from embedded import stack
        from embedded.postgres import Postgres

        self.folder.mkdir(parents=True)
        self.postgres = Postgres(self.folder)
        stack.start([self.postgres])
        stack.set_up([self.postgres])
        super().start()

    @property
    def database_url(self) -> str:
        return (
            f"postgresql://postgres@/openmemory?host={quote(str(self.postgres.sockets), safe='')}"
        )

    def stop(self) -> float:
        seconds, started = super().stop(), time.monotonic()
        if self.services():
            self.postgres.stop()
        return seconds + time.monotonic() - started

    def services(self) -> list[int]:
        lock = self.folder / "postgres" / "data" / "postmaster.pid"
        return [int(lock.read_text().split()[0])] if lock.exists() else []


def interpreter() -> str:
    """A Python whose SQLite loads extensions, as one of the peers needs: often the system's."""
    program = "import sqlite3; sqlite3.Connection.enable_load_extension"
    for python in (sys.executable, "/usr/bin/python3"):
        if not subprocess.run([python, "-c", program], capture_output=True).returncode:
            return python
    return sys.executable


class CallFailedError(Exception):
    """A request that was refused."""


class Caller:
    """One keep-alive connection, opened again where the server has closed it. Not thread-safe."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._connection = http.client.HTTPConnection("127.0.0.1", peer.port, timeout=600)

    def call(self, request: Request) -> Any:
        body = None if request.body is None else json.dumps(request.body)
        headers = self._peer.headers | request.headers
        try:
            self._connection.request(request.method, request.path, body, headers)
            response = self._connection.getresponse()
        except ConnectionError:  # it was idle for too long
            self._connection.close()
            self._connection.request(request.method, request.path, body, headers)
            response = self._connection.getresponse()
        content = response.read()
        if response.status >= 300:
            raise CallFailedError(
                f"{self._peer.name}: {request.method} {request.path} returned {response.status}:"
                f" {content[:500]!r}"
            )
        return json.loads(content or b"null")
