"""The cost of single requests, as ratios to `GET /health/live`.

    python benchmarks/request_costs.py [--against CHECKOUT] [--memories 1000] [--rounds 200]

Starts a server with one web process in a scratch folder, and another one of a second checkout, and
sends each kind of request to both in turns: other load on the machine slows all alike. Prints the
median time of each, and the processor time of the web process, which other load disturbs less.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from live_server import CHECKOUT, free_port, scratch_folder, wait_for
from sample_data import Writer

# Repetitions of one kind before the next: processor time is counted in hundredths of a second.
BURST = 20
BULK = 500
TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--against", type=Path, help="another checkout, as of an earlier commit")
    parser.add_argument("--memories", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=200, help="requests of each kind")
    options = parser.parse_args()
    checkouts = [CHECKOUT, *([options.against] if options.against else [])]
    with ExitStack() as stack:
        targets = [Target(*stack.enter_context(serve(checkout))) for checkout in checkouts]
        for target in targets:
            target.fill(options.memories)
        for number in range(max(2, options.rounds // BURST)):
            for name, call in KINDS.items():
                for target in targets:
                    target.measure(name, call, is_warm_up=number == 0)
        for target in targets:
            print_table(target)
        if len(targets) == 2:
            print_comparison(*targets)


@contextmanager
def serve(checkout: Path) -> Iterator[tuple[str, str, int, Path]]:
    """Start a server: its address, its key, the process that answers and its checkout."""
    with scratch_folder() as folder:
        port = free_port()
        environment = os.environ | {
            "OPENMEMORY_STATE_DIR": folder,
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "USER": "benchmark",
            "OPENMEMORY_WEB_PROCESSES": "1",
            "OPENMEMORY_LOG_FORMAT": "json",
            "OPENMEMORY_RATE_READS": "1000000/m",
            "OPENMEMORY_RATE_WRITES": "1000000/m",
            "DATABASE_URL": "",
            "REDIS_URL": "",
        }
        command = [sys.executable, "manage.py", "run", "--with-parent"]
        with (
            (Path(folder) / "output.log").open("wb") as output,
            subprocess.Popen(command, cwd=checkout, env=environment, stdout=output) as process,
        ):
            try:
                url = f"http://127.0.0.1:{port}"
                wait_for(url, process)
                key = (Path(folder) / "api_key").read_text().strip()
                yield url, key, web_process(process.pid), checkout
            finally:
                process.send_signal(signal.SIGTERM)


def web_process(parent: int) -> int:
    """Find the process that answers requests among the descendants of this one."""
    listing = subprocess.run(["ps", "-eo", "pid=,ppid=,comm=,args="], stdout=subprocess.PIPE)
    children: dict[int, list[int]] = defaultdict(list)
    names: dict[int, str] = {}
    for line in listing.stdout.decode().splitlines():
        pid, ppid, name = line.split(maxsplit=2)
        children[int(ppid)].append(int(pid))
        names[int(pid)] = name
    todo, web = [parent], list[int]()
    while todo:
        pid = todo.pop()
        todo += children[pid]
        # Of a release that did not fork all processes from one, by its command.
        if any(mark in names.get(pid, "") for mark in ("openmemory-web", "server.web")):
            web.append(pid)
    return max(web)


@dataclass
class Target:
    """A server with a user who has some memories."""

    url: str
    key: str
    web: int
    checkout: Path
    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    processor: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    ids: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=120)
        self.headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        self.writer = Writer(seed=7)

    def fill(self, count: int) -> None:
        for start in range(0, count, BULK):
            texts = [self.writer.sentence() for _ in range(min(BULK, count - start))]
            memories = [{"text": text, "infer": False, "app": "benchmark"} for text in texts]
            answer = self.call("POST", "/memories/bulk", {"memories": memories})
            self.ids += [result["id"] for result in answer["results"] if "id" in result]

    def call(self, method: str, path: str, body: Any = None) -> Any:
        content = None if body is None else json.dumps(body)
        path = path if path.startswith("/health") else f"/api/v1{path}"
        self.connection.request(method, path, content, self.headers)
        response = self.connection.getresponse()
        answer = response.read()
        if response.status >= 300:
            raise SystemExit(f"{method} {path} returned {response.status}: {answer[:500]!r}")
        return json.loads(answer)

    def measure(self, name: str, call: Callable[[Target], Any], *, is_warm_up: bool) -> None:
        before = processor_seconds(self.web)
        for _ in range(BURST):
            started = time.perf_counter()
            call(self)
            if not is_warm_up:
                self.times[name].append((time.perf_counter() - started) * 1000)
        if not is_warm_up:
            spent = (processor_seconds(self.web) - before) * 1000 / BURST
            self.processor[name].append(spent)


def processor_seconds(pid: int) -> float:
    """Processor time of all threads of a process, as exact as the system counts it."""
    run_times = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(path.read_text().split()[0]) for path in run_times) / 1e9


def _store(target: Target) -> None:
    target.call("POST", "/memories", {"text": target.writer.sentence(), "app": "benchmark"})


def _update(target: Target) -> None:
    target.ids.append(target.ids.pop(0))
    target.call("PUT", f"/memories/{target.ids[-1]}", {"memory_content": target.writer.sentence()})


KINDS: dict[str, Callable[[Target], Any]] = {
    "live": lambda target: target.call("GET", "/health/live"),
    "empty": lambda target: target.call("GET", "/users/me"),
    "get": lambda target: target.call("GET", f"/memories/{target.ids[0]}"),
    "list of 50": lambda target: target.call("GET", "/memories?page_size=50"),
    "search": lambda target: target.call(
        "POST", "/memories/search", {"query": target.writer.question()}
    ),
    "store": _store,
    "update": _update,
}


def print_table(target: Target) -> None:
    live, live_processor = median(target.times["live"]), sum(target.processor["live"])
    print(f"\n{target.checkout.name}\n")
    print("| request | median | p95 | ratio | processor | ratio |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in KINDS:
        times = sorted(target.times[name])
        processor = target.processor[name]
        print(
            f"| {name} | {median(times):.2f} ms | {times[len(times) * 95 // 100]:.2f} ms"
            f" | **{median(times) / live:.2f}** | {sum(processor) / len(processor):.2f} ms"
            f" | **{sum(processor) / live_processor:.2f}** |"
        )


def print_comparison(here: Target, there: Target) -> None:
    print(f"\n| request | of {there.checkout.name}: time | processor |")
    print("| --- | --- | --- |")
    for name in KINDS:
        time_ratio = median(here.times[name]) / median(there.times[name])
        processor_ratio = sum(here.processor[name]) / sum(there.processor[name])
        print(f"| {name} | **{time_ratio:.2f}** | **{processor_ratio:.2f}** |")


if __name__ == "__main__":
    main()
