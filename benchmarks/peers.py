"""This server beside others of its kind, with the same embedder and the same model.

    python benchmarks/peers.py [--memories 1000,10000] [--rounds 60] [--seconds 2]
        [--only here,Mem0] [--environments FOLDER]

Installs each peer into a virtual environment of its own, starts all of them on loopback, stores the
same memories in each, and sends the same requests to one after the other in turns: first with one
client, then with eight. A fake embedder and a fake model without delay serve all alike, so what is
compared is what each server adds. Prints times, and their ratios to this server's: below 1 the peer
is faster. What cannot be started or asked is named with the reason.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median
from typing import NamedTuple

from live_server import free_port, scratch_folder
from measurement import WARM_UP, milliseconds
from peer_products import PRODUCTS
from peer_servers import Caller, CallFailedError, NotRunnableError, Peer
from sample_data import Writer

WORKS = ("search", "store", "list of 50", "get", "update", "facts")
CLIENTS = 8
POOL = 2000
TURNS = 3  # of each server with eight clients
SETTLE_SECONDS = 15


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--memories", default="1000,10000", help="sizes, one after the other")
    parser.add_argument("--rounds", type=int, default=60, help="requests of each kind, one client")
    parser.add_argument("--seconds", type=float, default=2, help="of a turn with eight clients")
    parser.add_argument("--only", default="", help="names of servers, separated by commas")
    parser.add_argument("--environments", type=Path, help="keep the virtual environments here")
    options = parser.parse_args()
    products = [product for product in PRODUCTS if not options.only or product.name in options.only]
    with scratch_folder() as folder:
        environments = options.environments or Path(folder) / "environments"
        for size in map(int, options.memories.split(",")):
            with fake_model() as model, ExitStack() as stack:
                scratch = Path(folder) / str(size)
                peers = [product(environments.resolve(), scratch, model) for product in products]
                targets = list(start_all(peers, stack))
                time.sleep(SETTLE_SECONDS)
                for target in targets:
                    target.at_rest = target.peer.footprint()
                writer = Writer(seed=1)
                memories = [writer.sentence() for _ in range(size)]
                texts = Texts(writer)
                for target in targets:
                    target.fill(memories, texts)
                measure_one_client(targets, options.rounds)
                measure_eight_clients(targets, options.seconds)
                print_tables(size, targets)
                print_memory_and_stops(targets)
                print_notes(targets)


@contextmanager
def fake_model() -> Iterator[str]:
    port = free_port()
    command = [sys.executable, str(Path(__file__).parent / "peer_model.py"), str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()


def start_all(peers: Sequence[Peer], stack: ExitStack) -> Iterator[Target]:
    for peer in peers:
        try:
            peer.install()
            stack.callback(peer.stop)  # if something fails meanwhile
            peer.start()
        except NotRunnableError as reason:
            print(f"{peer.name} cannot be measured: {reason}", flush=True)
        else:
            yield Target(peer)


class Texts:
    """Sentences and questions without end. A number makes each sentence another one."""

    def __init__(self, writer: Writer) -> None:
        self._sentences = [writer.sentence().removesuffix(".") for _ in range(POOL)]
        self._questions = [writer.question() for _ in range(POOL)]

    def get(self, work: str, number: int) -> str:
        if work == "search":
            return self._questions[number % POOL]
        return f"{self._sentences[number % POOL]} {number}."


@dataclass
class Target:
    """A server with its memories, and what was measured."""

    peer: Peer
    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    loaded: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    rates: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    spent: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    failures: dict[str, str] = field(default_factory=dict)
    at_rest: tuple[float, int] = (0.0, 0)

    def __post_init__(self) -> None:
        self.caller = Caller(self.peer)
        self.numbers = count()  # the same texts for all, in the same order

    def fill(self, memories: Sequence[str], texts: Texts) -> None:
        started = time.monotonic()
        self.peer.fill(memories)
        seconds = time.monotonic() - started
        page = self.caller.call(self.peer.request("list of 50", "", ""))
        # As many for each client: no two update the same one.
        self.ids = self.peer.ids(page)[: 50 // CLIENTS * CLIENTS]
        if len(self.ids) < 50 // CLIENTS * CLIENTS:
            raise SystemExit(f"{self.peer.name} lists only {len(self.ids)} memories.")
        self.texts = texts
        print(f"{self.peer.name}: {len(memories)} memories in {seconds:.0f} s.", flush=True)

    def call(self, work: str, number: int, caller: Caller) -> None:
        text = self.texts.get(work, next(self.numbers))
        pk = self.ids[number % len(self.ids)]
        caller.call(self.peer.request(work, text, pk))

    def can(self, work: str) -> bool:
        return work not in self.peer.lacks and work not in self.failures


# --- One client ------------------------------------------------------------------------------


def measure_one_client(targets: Sequence[Target], rounds: int) -> None:
    for number in range(WARM_UP + rounds):
        for work in WORKS:
            for target in targets:
                if not target.can(work):
                    continue
                try:
                    call = partial(target.call, work, number, target.caller)
                    elapsed = milliseconds(call)
                except CallFailedError as error:
                    target.failures[work] = str(error)
                    continue
                if number >= WARM_UP:
                    target.times[work].append(elapsed)


# --- Eight clients ---------------------------------------------------------------------------


def measure_eight_clients(targets: Sequence[Target], seconds: float) -> None:
    for work in WORKS:
        for _ in range(TURNS):
            for target in targets:
                if target.can(work):
                    try:
                        run_turn(target, work, seconds)
                    except CallFailedError as error:
                        target.failures[work] = f"with {CLIENTS} clients: {error}"


def run_turn(target: Target, work: str, seconds: float) -> None:
    before = target.peer.processor_seconds()
    started = time.perf_counter()

    def work_for_a_while(client: int) -> list[float]:
        caller, times, number = Caller(target.peer), list[float](), client
        while time.perf_counter() - started < seconds or not times:
            times.append(milliseconds(partial(target.call, work, number, caller)))
            number += CLIENTS
        return times

    with ThreadPoolExecutor(CLIENTS) as threads:
        times = [each for part in threads.map(work_for_a_while, range(CLIENTS)) for each in part]
    target.loaded[work] += times
    target.rates[work].append(len(times) / (time.perf_counter() - started))
    target.spent[work] += target.peer.processor_seconds() - before


# --- Report ----------------------------------------------------------------------------------


def print_tables(size: int, targets: Sequence[Target]) -> None:
    cores = os.cpu_count()
    print(f"\n{date.today()}, {cores} cores, Python {platform.python_version()}: ", end="")
    print("; ".join(target.peer.title for target in targets))
    title = f"{size} memories, one client: ms (p95), ratio"
    print_table(title, targets, lambda target, work: Cell.of_times(target.times[work]))
    title = f"{size} memories, {CLIENTS} clients: requests/s (p95/p50), ratio"
    print_table(title, targets, lambda target, work: Cell.of_rates(target, work))
    title = "processor of all its processes per request: ms, ratio"
    print_table(title, targets, lambda target, work: Cell.of_processor(target, work))


def print_table(
    title: str, targets: Sequence[Target], cell_of: Callable[[Target, str], Cell]
) -> None:
    print(f"\n| {title} | {' | '.join(target.peer.name for target in targets)} |")
    print("| --- " * (1 + len(targets)) + "|")
    for work in WORKS:
        first, *others = [cell_of(target, work) if target.can(work) else None for target in targets]
        cells = [first.text if first else "-"]
        for other in others:
            ratio = f", **{other.cost / first.cost:.2f}**" if first and other else ""
            cells.append(f"{other.text}{ratio}" if other else "-")
        print(f"| {work} | {' | '.join(cells)} |", flush=True)


class Cell(NamedTuple):
    text: str
    cost: float  # the less, the better

    @classmethod
    def of_times(cls, times: list[float]) -> Cell:
        return cls(f"{median(times):.1f} ({percentile(times, 95):.0f})", median(times))

    @classmethod
    def of_rates(cls, target: Target, work: str) -> Cell:
        rate, times = median(target.rates[work]), target.loaded[work]
        spread = percentile(times, 95) / median(times)
        return cls(f"{rate:.{0 if rate >= 10 else 1}f}/s ({spread:.1f})", 1 / rate)

    @classmethod
    def of_processor(cls, target: Target, work: str) -> Cell:
        spent = 1000 * target.spent[work] / len(target.loaded[work])
        return cls(f"{spent:.1f}", spent)


def percentile(times: list[float], percent: int) -> float:
    return sorted(times)[len(times) * percent // 100]


def print_memory_and_stops(targets: Sequence[Target]) -> None:
    print("\n| server | PSS at rest | after these works | stop |\n| --- | --- | --- | --- |")
    for target in targets:
        rest, after = target.at_rest, target.peer.footprint()
        seconds = target.peer.stop()
        print(
            f"| {target.peer.name} | {rest[0]:.0f} MB, {rest[1]} processes"
            f" | {after[0]:.0f} MB, {after[1]} | {seconds:.1f} s |",
            flush=True,
        )


def print_notes(targets: Sequence[Target]) -> None:
    print()
    for target in targets:
        peer = target.peer
        if peer.note:
            print(f"- {peer.name}: {peer.note}.")
        for work, reason in (peer.lacks | target.failures).items():
            print(f"- {peer.name}, {work}: {reason}.")


if __name__ == "__main__":
    main()
