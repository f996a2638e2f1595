"""Response times of the API, as ratios to the cost of its work alone.

    python benchmarks/api.py [--sizes 1000,10000,100000] [--seconds 8]

Starts a server in a scratch folder and measures it with users of these numbers of memories.
Each figure is measured in turns with what it is compared with, so that other load on the machine
slows both alike.
"""

from __future__ import annotations

import argparse
import os
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any

from live_server import Server, own_server, setup_django, slow_clients
from measurement import (
    SAMPLES,
    WARM_UP,
    capture_statements,
    medians,
    milliseconds,
    run_statements,
)
from sample_data import Writer, insert_memories, vacuum_analyze

CLIENTS = (1, 8)
CORES = os.cpu_count() or 1
SLOW_CLIENTS = (1, 20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", default="1000,10000,100000", help="memories of each user")
    parser.add_argument(
        "--seconds", type=float, default=8, help="duration of each measurement of creates"
    )
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    with own_server() as server:
        setup_django()
        users = create_users(server, sizes)
        compare_reads(server, users)
        compare_creates(server, users, options.seconds)
        compare_slow_clients(server, users[sizes[0]])


def create_users(server: Server, sizes: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Create a user of each size, with an index where they need one: their names and keys."""
    from accounts.models import User
    from memories.models import EmbeddingSpace
    from memories.vectors.user_index import sync_index

    users = {}
    for size in sizes:
        name = f"with-{size}-{secrets.token_hex(4)}"  # a benchmark may create several of a size
        users[size] = name, server.client().post("/users", {"user_id": name})["api_key"]
        started = time.perf_counter()
        insert_memories(name, size, embedder())
        vacuum_analyze()
        outcome = sync_index(User.objects.get(user_id=name), EmbeddingSpace.objects.current())
        seconds = time.perf_counter() - started
        print(f"Inserted {size} memories in {seconds:.0f} s; index: {outcome}.")
    return users


def embedder() -> Any:
    from configuration.providers import get_local_embedder

    return get_local_embedder()


# --- Reads -----------------------------------------------------------------------------------


def compare_reads(server: Server, users: dict[int, tuple[str, str]]) -> None:
    writer = Writer(seed=5)
    readers = {size: TimedReader(server, *user) for size, user in users.items()}
    for number in range(SAMPLES + WARM_UP):
        question = writer.question()
        for reader in readers.values():  # in turns: other load slows them all alike
            reader.search(question)
            reader.list_page(1 + number % 10)
    print("\n| memories | embedding | SQL | search | ratio | SQL | page | ratio |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for size, reader in readers.items():
        embedding, sql, search = reader.search_medians()
        page_sql, page = reader.page_medians()
        print(
            f"| {size} | {embedding:.1f} ms | {sql:.1f} ms | {search:.1f} ms"
            f" | **{search / (embedding + sql):.2f}**"
            f" | {page_sql:.1f} ms | {page:.1f} ms | **{page / page_sql:.2f}** |"
        )
    print_growth(readers)


def print_growth(readers: dict[int, TimedReader]) -> None:
    smallest, largest = min(readers), max(readers)
    search = readers[largest].search_medians()[-1] / readers[smallest].search_medians()[-1]
    page = readers[largest].page_medians()[-1] / readers[smallest].page_medians()[-1]
    print(
        f"\nFrom {smallest} to {largest} memories a search takes **{search:.2f}** times as long,"
        f" a page **{page:.2f}** times."
    )


class TimedReader:
    """Searches and lists as one user, and times each part."""

    def __init__(self, server: Server, user_id: str, key: str) -> None:
        from accounts.models import User

        self._user = User.objects.get(user_id=user_id)
        self._key = key
        self._client = server.client(key)
        self._searches: list[tuple[float, ...]] = []
        self._pages: list[tuple[float, ...]] = []

    def search(self, question: str) -> None:
        from memories.access.reader import Reader
        from memories.search import find_hits

        statements = capture_statements(lambda: find_hits(question, reader=Reader(self._user)))
        body = {"query": question}
        self._searches.append(
            (
                milliseconds(lambda: embedder().embed_query(question)),
                milliseconds(lambda: run_statements(statements)),
                milliseconds(lambda: self._client.post("/memories/search", body)),
            )
        )

    def list_page(self, page: int) -> None:
        path = f"/memories?page_size=50&page={page}"
        statements = statements_of_request(path, self._key)
        self._pages.append(
            (
                milliseconds(lambda: run_statements(statements)),
                milliseconds(lambda: self._client.get(path)),
            )
        )

    def search_medians(self) -> list[float]:
        """Of embedding the question, of the SQL alone, and of the request."""
        return medians(self._searches)

    def page_medians(self) -> list[float]:
        """Of the SQL of a page of 50 memories, and of the request."""
        return medians(self._pages)


def statements_of_request(path: str, key: str) -> list[str]:
    """The statements about memories, without those of authentication."""
    from django.test import Client

    client = Client(headers={"Authorization": f"Bearer {key}"}, SERVER_NAME="127.0.0.1")
    statements = capture_statements(lambda: client.get(f"/api/v1{path}"))
    return [statement for statement in statements if "memories_" in statement]


# --- Creates ---------------------------------------------------------------------------------


def compare_creates(server: Server, users: dict[int, tuple[str, str]], seconds: float) -> None:
    counts = " | ".join(f"{count} clients | ratio" for count in CLIENTS)
    print(f"\n| memories | embedder alone, {CORES} threads | {counts} |")
    print("| --- | --- |" + " --- | --- |" * len(CLIENTS))
    for size, (_, key) in users.items():
        pairs = [create_rates(server, key, count, seconds) for count in CLIENTS]
        embedder_rate = sum(embedded for embedded, _ in pairs) / len(pairs)
        columns = " | ".join(
            f"{created:.0f}/s | **{created / embedded:.2f}**" for embedded, created in pairs
        )
        print(f"| {size} | {embedder_rate:.0f}/s | {columns} |")


def create_rates(server: Server, key: str, clients: int, seconds: float) -> tuple[float, float]:
    """How many texts per second are embedded on all cores, and how many are stored."""
    texts = Texts(seed=clients)
    connections = threading.local()
    before = rate(CORES, seconds / 2, lambda: embed(texts))
    created = rate(clients, seconds, lambda: create(server, key, connections, texts))
    after = rate(CORES, seconds / 2, lambda: embed(texts))
    return (before + after) / 2, created


class Texts:
    """An endless supply of sentences, for several threads."""

    def __init__(self, seed: int) -> None:
        self._writer = Writer(seed)
        self._lock = threading.Lock()

    def next(self) -> str:
        with self._lock:
            return self._writer.sentence()


def embed(texts: Texts) -> None:
    embedder().embed_documents([texts.next()])


def create(server: Server, key: str, connections: threading.local, texts: Texts) -> None:
    if not hasattr(connections, "own"):
        connections.own = server.client(key)
    connections.own.post("/memories", {"text": texts.next(), "app": "benchmark"})


def rate(threads: int, seconds: float, call: Callable[[], None]) -> float:
    """How many calls per second these threads complete together."""
    deadline = time.perf_counter() + seconds

    def work(_: int) -> int:
        calls = 0
        while time.perf_counter() < deadline:
            call()
            calls += 1
        return calls

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(work, range(threads))) / seconds


# --- Slow clients ----------------------------------------------------------------------------


def compare_slow_clients(server: Server, user: tuple[str, str]) -> None:
    client = server.client(user[1])
    writer = Writer(seed=6)

    def median_search() -> float:
        return median(
            milliseconds(lambda: client.post("/memories/search", {"query": writer.question()}))
            for _ in range(SAMPLES)
        )

    median_search()
    print("\n| clients that send a byte a second | search | ratio to none |")
    print("| --- | --- | --- |")
    for count in SLOW_CLIENTS:
        without = median_search()
        with slow_clients(server.url, user[1], count):
            during = median_search()
        print(f"| {count} | {during:.1f} ms | **{during / without:.2f}** |")


if __name__ == "__main__":
    main()
