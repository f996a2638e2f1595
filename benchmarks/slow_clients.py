"""What clients that send or read slowly cost the others.

    python benchmarks/slow_clients.py [--count 1000] [--seconds 10] [--sorts idle,body] [--settle 9]

Starts a server in a scratch folder. Eight good clients list, search and store; health is asked five
times a second. Each sort of slow clients then joins them: from one address, and from 64 addresses
of the loopback network. A slow client that is disconnected connects again.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.synchronize import Event
from statistics import median, quantiles
from typing import Any
from urllib.parse import urlsplit

from live_server import Server, own_server
from slow_attack import SORTS, Attack, run_attack

GOOD_CLIENTS = 8
ADDRESSES = (1, 64)
CALL_SECONDS = 10
HEALTH_SECONDS = 0.2
# Until all slow clients are connected, and what refuses them has refused the first ones.
SETTLE_SECONDS = 15.0
LARGE_MEMORIES, LARGE_BYTES = 100, 5_000


@dataclass
class Measurement:
    calls: list[float] = field(default_factory=list)  # milliseconds
    health: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def median(self) -> float:
        return median(self.calls or [float("inf")])

    @property
    def p95(self) -> float:
        return percentile_95(self.calls)

    @property
    def health_times(self) -> str:
        return f"{percentile_95(self.health):.0f}, {max(self.health):.0f}"


def percentile_95(values: list[float]) -> float:
    return quantiles(values, n=20)[-1] if len(values) > 1 else float("inf")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--sorts", default=",".join(SORTS))
    parser.add_argument("--settle", type=float, default=SETTLE_SECONDS, help="seconds before")
    arguments = parser.parse_args()
    with own_server(OPENMEMORY_RATE_SIGN_INS="off", OPENMEMORY_RATE_FAILED_KEYS="off") as server:
        keys, download = _prepare(server), _export(server)
        measure(server, keys, arguments.seconds)  # warms up
        print("| slow clients | addresses | median | p95 | failed | health, ms | with none |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for sort in arguments.sorts.split(","):
            for addresses in ADDRESSES:
                _compare(server, keys, download, sort, addresses, arguments)


def _prepare(server: Server) -> list[str]:
    """Create the good clients' users, and the memories of which one page is large."""
    for _ in range(LARGE_MEMORIES):
        server.client().post("/memories", {"text": secrets.token_hex(LARGE_BYTES), "infer": False})
    keys = [server.new_user(f"good-{number}").key for number in range(GOOD_CLIENTS)]
    for key in keys:
        for number in range(20):
            server.client(key).post("/memories", {"text": f"Thing {number} of mine is green."})
    return keys


def _export(server: Server) -> str:
    """Have a job export the large memories, and return the address of its file."""
    address = server.client().post_async("/backup/export", {})
    while server.client().get(address)["state"] != "succeeded":
        time.sleep(0.5)
    return f"/api/v1{address}/download"


def _compare(
    server: Server,
    keys: list[str],
    download: str,
    sort: str,
    addresses: int,
    arguments: argparse.Namespace,
) -> None:
    before = measure(server, keys, arguments.seconds)
    url = urlsplit(server.url)
    attack = Attack(
        sort, str(url.hostname), url.port or 80, server.key, download, arguments.count, addresses
    )
    with attacking(attack, arguments.settle):
        during = measure(server, keys, arguments.seconds)
    print(
        f"| {sort} | {addresses} | {during.median / before.median:.2f} "
        f"| {during.p95 / before.p95:.2f} | {len(during.failures)} of "
        f"{len(during.calls) + len(during.health)} "
        f"| {during.health_times} | {before.health_times} |",
        flush=True,
    )
    for failure in sorted(set(during.failures))[:3]:
        print(f"    {failure}", flush=True)


@contextmanager
def attacking(attack: Attack, settle: float) -> Iterator[None]:
    """Run the slow clients in a process of their own."""
    context = multiprocessing.get_context("spawn")
    stop: Event = context.Event()
    process = context.Process(target=run_attack, args=(attack, stop))
    process.start()
    time.sleep(settle)
    try:
        yield
    finally:
        stop.set()
        process.join()


def measure(server: Server, keys: list[str], seconds: float) -> Measurement:
    result = Measurement()
    deadline = time.monotonic() + seconds
    threads = [
        threading.Thread(target=_repeat, args=(_good_call(server, key), deadline, result.calls,
                                               result.failures, 0.0))
        for key in keys
    ]  # fmt: skip
    health = _call(server, "GET", "/health/live", None, None)
    threads.append(
        threading.Thread(
            target=_repeat, args=(health, deadline, result.health, result.failures, HEALTH_SECONDS)
        )
    )
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return result


def _good_call(server: Server, key: str) -> Callable[[], None]:
    """Three calls on connections of their own: a new client must be served, too."""
    calls = [
        _call(server, "GET", "/api/v1/memories?page_size=5", None, key),
        _call(server, "POST", "/api/v1/memories/search", {"query": "What is green?"}, key),
        _call(server, "POST", "/api/v1/memories", {"text": "Thing 3 of mine is green."}, key),
    ]

    def run() -> None:
        for call in calls:
            call()

    return run


def _call(server: Server, method: str, path: str, body: Any, key: str | None) -> Callable[[], None]:
    address = urlsplit(server.url).netloc
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    content = json.dumps(body) if body is not None else None
    if content:
        headers["Content-Type"] = "application/json"

    def run() -> None:
        connection = http.client.HTTPConnection(address, timeout=CALL_SECONDS)
        try:
            connection.request(method, path, content, headers)
            response = connection.getresponse()
            response.read()
            if response.status != 200:
                raise http.client.HTTPException(f"{method} {path} returned {response.status}")
        finally:
            connection.close()

    return run


def _repeat(
    call: Callable[[], None],
    deadline: float,
    times: list[float],
    failures: list[str],
    pause: float,
) -> None:
    while time.monotonic() < deadline:
        started = time.perf_counter()
        try:
            call()
        except (OSError, http.client.HTTPException) as error:
            failures.append(repr(error))
        times.append((time.perf_counter() - started) * 1000)
        time.sleep(pause)


if __name__ == "__main__":
    main()
