"""What is lost when any process of the server is killed at any moment.

    python benchmarks/kill_anything.py [--kills 200] [--seed 1]

Starts a server in a scratch folder with eight clients, who store and search memories all the time
and send again what was not acknowledged. Then it kills processes at random with SIGKILL: the web
server, workers, PostgreSQL and its helpers, Valkey, and the supervisor of them all, which is then
started as a service manager does. After each kill it waits until the server is ready. In the end it
counts the acknowledged writes that are missing, and those that were done twice.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from live_server import CHECKOUT, free_port, scratch_folder

CLIENTS = 8
READY_SECONDS = 300
# The longest pause between a recovery and the next kill.
PAUSE_SECONDS = 3.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with scratch_folder() as folder:
        server = RestartableServer(Path(folder))
        try:
            server.start()
            server.wait_until_ready()
            clients = [BusyClient(server, number) for number in range(CLIENTS)]
            for client in clients:
                client.start()
            killer = Killer(server, random.Random(options.seed))
            for number in range(options.kills):
                killer.kill_one()
                print(f"\r{number + 1} of {options.kills}", end="", file=sys.stderr)
            for client in clients:
                client.stop()
            print_report(killer, clients, count_contents(server))
        finally:
            server.end()


class RestartableServer:
    """A server that may be killed and is started again, in the same folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.starts = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._environment = os.environ | {
            "OPENMEMORY_STATE_DIR": str(folder),
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "USER": "benchmark",
            "OPENMEMORY_LOG_LEVEL": "ERROR",
            "OPENMEMORY_RATE_READS": "off",
            "OPENMEMORY_RATE_WRITES": "off",
            "DATABASE_URL": "",
            "REDIS_URL": "",
        }

    def start(self) -> None:
        self.starts += 1
        with (self.folder / "run.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "manage.py", "run"],
                cwd=CHECKOUT, env=self._environment, stdout=log, stderr=log,
            )  # fmt: skip

    def restart_if_killed(self) -> None:
        assert self._process is not None
        if self._process.poll() is not None:
            self.start()

    def wait_until_ready(self) -> None:
        """Start it again as often as it ends, as a service manager does."""
        deadline = time.monotonic() + READY_SECONDS
        while not self._is_ready():
            if time.monotonic() > deadline:
                raise SystemExit(f"The server did not recover. See {self._keep_log()}.")
            self.restart_if_killed()
            time.sleep(0.1)

    def _is_ready(self) -> bool:
        try:
            return self.call("GET", "/health/ready", timeout=10)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def call(
        self, method: str, path: str, body: Any = None, *, timeout: float = 60
    ) -> tuple[int, Any]:
        """Call it on a connection of its own. Raises OSError and HTTPException."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        headers = {"Content-Type": "application/json"}
        if path.startswith("/api"):
            headers["Authorization"] = f"Bearer {(self.folder / 'api_key').read_text()}"
        try:
            connection.request(method, path, json.dumps(body) if body else None, headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read() or b"null")
        finally:
            connection.close()

    def processes(self) -> list[psutil.Process]:
        assert self._process is not None
        supervisor = psutil.Process(self._process.pid)
        return [supervisor, *supervisor.children(recursive=True)]

    def end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait()

    def _keep_log(self) -> Path:
        kept = Path(f"kill_anything-{os.getpid()}.log")
        kept.write_bytes((self.folder / "run.log").read_bytes())
        return kept.resolve()


class BusyClient(threading.Thread):
    """Stores a memory, searches, and goes on. What was not acknowledged is sent again.

    The server recognizes a text that it has stored already.
    """

    def __init__(self, server: RestartableServer, number: int) -> None:
        super().__init__(daemon=True)
        self._server = server
        self._number = number
        self._stop_requested = threading.Event()
        self.acknowledged: list[str] = []
        self.statuses: Counter[str] = Counter()

    def run(self) -> None:
        for number in itertools.count():
            text = f"Client {self._number} keeps note {number} on shelf {number * 7919 % 10007}."
            while not self._send("/memories", {"text": text}):
                if self._stop_requested.is_set():
                    return
                time.sleep(0.1)
            self.acknowledged.append(text)
            self._send("/memories/search", {"query": f"note {number}"})
            if self._stop_requested.is_set():
                return

    def stop(self) -> None:
        self._stop_requested.set()
        self.join()

    def _send(self, path: str, body: dict[str, Any]) -> bool:
        try:
            status, _ = self._server.call("POST", f"/api/v1{path}", body)
        except (OSError, http.client.HTTPException):
            self.statuses["no answer"] += 1
            return False
        self.statuses[str(status)] += 1
        return status == 200


@dataclass
class Killer:
    server: RestartableServer
    random: random.Random
    kills: Counter[str] = field(default_factory=Counter)
    recoveries: list[float] = field(default_factory=list)

    def kill_one(self) -> None:
        time.sleep(self.random.uniform(0, PAUSE_SECONDS))
        with suppress(psutil.NoSuchProcess):  # a helper that has just ended
            process = self.random.choice(self.server.processes())
            kind = kind_of(process)
            process.kill()
            self.kills[kind] += 1
        killed_at = time.monotonic()
        time.sleep(0.5)
        self.server.wait_until_ready()
        self.recoveries.append(time.monotonic() - killed_at)


def kind_of(process: psutil.Process) -> str:
    words = process.cmdline()
    title = " ".join([process.name(), *words])
    if "postgres" in process.name():
        return "PostgreSQL" if "-D" in words else "a helper of PostgreSQL"
    names = {
        "valkey-server": "Valkey",
        "openmemory-jobs": "the worker",
        "openmemory-long": "a process of a long job",
        "openmemory-web": "a web process",
        "server.all_in_one": "their parent",
        "manage.py run": "the supervisor",
    }
    return next((name for words, name in names.items() if words in title), "another process")


def count_contents(server: RestartableServer) -> Counter[str]:
    """How often each text is stored."""
    contents: Counter[str] = Counter()
    page, pages = 0, 1
    while page < pages:
        page += 1
        status, body = server.call("GET", f"/api/v1/memories?page={page}&page_size=100")
        if status != 200:
            raise SystemExit(f"Listing the memories returned {status}: {body}")
        contents.update(memory["content"] for memory in body["items"])
        pages = body["pages"]
    return contents


def print_report(killer: Killer, clients: list[BusyClient], contents: Counter[str]) -> None:
    acknowledged = [text for client in clients for text in client.acknowledged]
    lost = [text for text in acknowledged if not contents[text]]
    twice = [text for text, count in contents.items() if count > 1]
    statuses = sum((client.statuses for client in clients), Counter[str]())
    print("\n\n| killed | times |\n| --- | --- |")
    for name, count in killer.kills.most_common():
        print(f"| {name} | {count} |")
    print(
        f"\n{killer.kills.total()} kills, {killer.server.starts} starts. Ready again after"
        f" {median(killer.recoveries):.1f} s (median), {max(killer.recoveries):.1f} s (longest)."
    )
    print("Answers:", ", ".join(f"{status}: {count}" for status, count in statuses.most_common()))
    print(
        f"**{len(lost)}** of {len(acknowledged)} acknowledged writes are lost,"
        f" **{len(twice)}** were done twice."
    )
    for text in (lost + twice)[:10]:
        print(" ", text)
    if lost or twice:
        sys.exit(1)


if __name__ == "__main__":
    main()
