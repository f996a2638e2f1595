"""Errors and memory of a server that works at 80 % of its capacity for a long time.

    python benchmarks/soak.py [--minutes 60] [--memories 2000]

Starts a server in a scratch folder. First eight clients call it as fast as it answers: that is its
capacity. Then they send 80 % of that at a steady rate: searches, lists, new memories and deletions.
Memory is the PSS of all processes of the server, so that shared pages count once.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median
from typing import Any

import psutil
from live_server import Server, own_server
from sample_data import Writer

CLIENTS = 8
SHARE_OF_CAPACITY = 0.8
CAPACITY_SECONDS, WARM_UP_SECONDS = 30, 15
SAMPLE_SECONDS = 5
MAX_GROWTH = 1.05  # of the last quarter over the second
MEGABYTE = 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--memories", type=int, default=2000, help="before it begins")
    options = parser.parse_args()
    with own_server(OPENMEMORY_LOG_LEVEL="ERROR") as server:
        load = Load(server)
        load.remember(options.memories)
        load.run(WARM_UP_SECONDS, rate=None)
        capacity = load.run(CAPACITY_SECONDS, rate=None).rate
        rate = SHARE_OF_CAPACITY * capacity
        print(f"Capacity: {capacity:.0f} calls/s. Now {rate:.0f} calls/s.", flush=True)
        memory = MemoryRecorder()
        memory.start()
        outcome = load.run(options.minutes * 60, rate=rate)
        memory.stop()
    print_report(outcome, memory.quarters())


@dataclass
class Outcome:
    seconds: float
    statuses: Counter[str] = field(default_factory=Counter)
    milliseconds: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return self.statuses.total() / self.seconds

    @property
    def errors(self) -> Counter[str]:
        return Counter({name: n for name, n in self.statuses.items() if name != "200"})


class Load:
    """Eight clients of one user. As many memories are deleted as are stored."""

    def __init__(self, server: Server) -> None:
        self._address = server.url.removeprefix("http://")
        self._headers = {
            "Authorization": f"Bearer {server.key}",
            "Content-Type": "application/json",
        }
        self._ids: list[str] = []
        self._lock = threading.Lock()
        self._number = 0

    def remember(self, count: int) -> None:
        connection, writer = self._connect(), Writer(self._next_number())
        for _ in range(count):
            self._store(connection, writer)

    def run(self, seconds: float, *, rate: float | None) -> Outcome:
        """Call at this rate, or as fast as answers come."""
        outcome = Outcome(seconds)
        began = time.monotonic()
        threads = [
            threading.Thread(target=self._work, args=(number, began, outcome, rate))
            for number in range(CLIENTS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        outcome.seconds = time.monotonic() - began
        return outcome

    def _work(self, number: int, began: float, outcome: Outcome, rate: float | None) -> None:
        connection, writer = self._connect(), Writer(self._next_number())
        chance = random.Random(number)
        interval = CLIENTS / rate if rate else 0.0
        next_call = began + interval * number / CLIENTS
        while time.monotonic() - began < outcome.seconds:
            time.sleep(max(0.0, next_call - time.monotonic()))
            next_call += interval
            started = time.perf_counter()
            status = self._call_anything(connection, writer, chance)
            elapsed = (time.perf_counter() - started) * 1000
            with self._lock:
                outcome.statuses[status] += 1
                outcome.milliseconds.append(elapsed)

    def _call_anything(
        self, connection: http.client.HTTPConnection, writer: Writer, chance: random.Random
    ) -> str:
        kind = chance.random()
        if kind < 0.6:
            body = {"query": writer.question()}
            return self._call(connection, "POST", "/memories/search", body)[0]
        if kind < 0.8:
            return self._call(connection, "GET", f"/memories?page={chance.randint(1, 20)}")[0]
        if kind < 0.9:
            return self._store(connection, writer)
        return self._delete_oldest(connection)

    def _store(self, connection: http.client.HTTPConnection, writer: Writer) -> str:
        text = f"{writer.sentence()} ({self._next_number()})"
        status, body = self._call(connection, "POST", "/memories", {"text": text, "infer": False})
        if status == "200":
            with self._lock:
                self._ids.append(body["id"])
        return status

    def _delete_oldest(self, connection: http.client.HTTPConnection) -> str:
        with self._lock:
            pk = self._ids.pop(0)
        return self._call(connection, "DELETE", f"/memories/{pk}")[0]

    def _call(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: Any = None
    ) -> tuple[str, Any]:
        try:
            connection.request(
                method, f"/api/v1{path}", json.dumps(body) if body else None, self._headers
            )
            response = connection.getresponse()
            return str(response.status), json.loads(response.read() or b"null")
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return type(error).__name__, None

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._address, timeout=120)

    def _next_number(self) -> int:
        with self._lock:
            self._number += 1
            return self._number


class MemoryRecorder(threading.Thread):
    """Records the PSS of the server's processes, which are children of this one."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._samples: list[float] = []
        self._stop_requested = threading.Event()

    def run(self) -> None:
        while not self._stop_requested.wait(SAMPLE_SECONDS):
            children = psutil.Process(os.getpid()).children(recursive=True)
            self._samples.append(sum(map(proportional_bytes, children)) / MEGABYTE)

    def stop(self) -> None:
        self._stop_requested.set()
        self.join()

    def quarters(self) -> list[float]:
        """The mean of each quarter of the time."""
        size = len(self._samples) // 4
        if not size:
            raise SystemExit("Too short: measure for at least a minute.")
        return [mean(self._samples[part * size : (part + 1) * size]) for part in range(4)]


def proportional_bytes(process: psutil.Process) -> int:
    try:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has ended
        return 0
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def print_report(outcome: Outcome, quarters: list[float]) -> None:
    times = sorted(outcome.milliseconds)
    growth = quarters[3] / quarters[1]
    print("\n| quarter | memory |\n| --- | --- |")
    for number, megabytes in enumerate(quarters, start=1):
        print(f"| {number} | {megabytes:.0f} MB |")
    print(f"\nThe last quarter has **{growth:.3f}** times the memory of the second.")
    print(
        f"{outcome.statuses.total()} calls, {outcome.rate:.0f}/s: median {median(times):.0f} ms,"
        f" 99 % within {times[int(len(times) * 0.99)]:.0f} ms."
    )
    print(f"**{outcome.errors.total()}** errors: {dict(outcome.errors)}")
    if outcome.errors or growth > MAX_GROWTH:
        sys.exit(1)


if __name__ == "__main__":
    main()
