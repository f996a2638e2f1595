"""How fast the API answers, as ratios to what its work costs by itself.

    python benchmarks/api.py [--sizes 1000,10000,100000] [--seconds 8]

Starts a server in a scratch folder and measures it with users of these numbers of memories,
each figure beside what it is compared with, in turns, so that whatever else the machine does
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
from functools import cache
from statistics import median
from typing import Any

from live_server import Server, own_server, slow_clients, use_django
from sample_data import Writer, settle, stock

WARM_UP = 5
SAMPLES = 60
CLIENTS = (1, 8)
CORES = os.cpu_count() or 1
SLOW_CLIENTS = (1, 20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", default="1000,10000,100000", help="memories of each user")
    parser.add_argument("--seconds", type=float, default=8, help="of each measurement of creates")
    given = parser.parse_args()
    sizes = [int(size) for size in given.sizes.split(",")]
    with own_server() as server:
        use_django()
        users = stocked(server, sizes)
        compare_reads(server, users)
        compare_creates(server, users, given.seconds)
        compare_slow_clients(server, users[sizes[0]])


def stocked(server: Server, sizes: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Make a user of each size, with an index where they need one: their names and keys."""
    from accounts.models import User
    from memories.models import EmbeddingSpace
    from memories.vectors.user_index import sync_index

    users = {}
    for size in sizes:
        name = f"with-{size}-{secrets.token_hex(4)}"  # another part may have one of this size
        users[size] = name, server.client().post("/users", {"user_id": name})["api_key"]
        started = time.perf_counter()
        stock(name, size, embedder())
        settle()
        outcome = sync_index(User.objects.get(user_id=name), EmbeddingSpace.objects.current())
        took = time.perf_counter() - started
        print(f"Stocked {size} memories in {took:.0f} s; index: {outcome}.")
    return users


def embedder() -> Any:
    from configuration.providers import get_local_embedder

    return get_local_embedder()


# --- Reads -----------------------------------------------------------------------------------


def compare_reads(server: Server, users: dict[int, tuple[str, str]]) -> None:
    writer = Writer(seed=5)
    readers = {size: Reader(server, *user) for size, user in users.items()}
    for number in range(SAMPLES + WARM_UP):
        question = writer.question()
        for reader in readers.values():  # in turns: what slows the machine slows them all
            reader.search(question)
            reader.turn_to(page=1 + number % 10)
    print("\n| memories | embedding | SQL | search | ratio | SQL | page | ratio |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for size, reader in readers.items():
        embedding, sql, search = reader.searching()
        page_sql, page = reader.listing()
        print(
            f"| {size} | {embedding:.1f} ms | {sql:.1f} ms | {search:.1f} ms"
            f" | **{search / (embedding + sql):.2f}**"
            f" | {page_sql:.1f} ms | {page:.1f} ms | **{page / page_sql:.2f}** |"
        )
    print_growth(readers)


def print_growth(readers: dict[int, Reader]) -> None:
    least, most = min(readers), max(readers)
    search = readers[most].searching()[-1] / readers[least].searching()[-1]
    page = readers[most].listing()[-1] / readers[least].listing()[-1]
    print(
        f"\nFrom {least} to {most} memories a search takes **{search:.2f}** times as long,"
        f" a page **{page:.2f}** times."
    )


class Reader:
    """Reads as one user, and notes how long each part of it takes."""

    def __init__(self, server: Server, user_id: str, key: str) -> None:
        from accounts.models import User

        self._user = User.objects.get(user_id=user_id)
        self._key = key
        self._client = server.client(key)
        self._searches: list[tuple[float, ...]] = []
        self._pages: list[tuple[float, ...]] = []

    def search(self, question: str) -> None:
        from memories.access.reader import Reader
        from memories.search import find

        statements = captured(lambda: find(question, reader=Reader(self._user)))
        body = {"query": question}
        self._searches.append(
            (
                timed(lambda: embedder().embed_query(question)),
                timed(lambda: run(statements)),
                timed(lambda: self._client.post("/memories/search", body)),
            )
        )

    def turn_to(self, page: int) -> None:
        path = f"/memories?page_size=50&page={page}"
        statements = statements_of_request(path, self._key)
        self._pages.append((timed(lambda: run(statements)), timed(lambda: self._client.get(path))))

    def searching(self) -> list[float]:
        """The medians of embedding the question, of the SQL alone, and of the request."""
        return medians(self._searches)

    def listing(self) -> list[float]:
        """The medians of the SQL of a page of 50 memories, and of the request."""
        return medians(self._pages)


def medians(rows: Sequence[Sequence[float]]) -> list[float]:
    return [median(column) for column in zip(*rows[WARM_UP:], strict=True)]


def timed(do: Callable[[], Any]) -> float:
    """Milliseconds."""
    started = time.perf_counter()
    do()
    return (time.perf_counter() - started) * 1000


def captured(do: Callable[[], Any]) -> list[str]:
    """The statements that it sends to PostgreSQL, with their parameters in them."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as context:
        do()
    return [query["sql"] for query in context]


def statements_of_request(path: str, key: str) -> list[str]:
    """Those about memories: who asks is found out by others."""
    from django.test import Client as InProcess

    asked = InProcess(headers={"Authorization": f"Bearer {key}"}, SERVER_NAME="127.0.0.1")
    statements = captured(lambda: asked.get(f"/api/v1{path}"))
    return [statement for statement in statements if "memories_" in statement]


def run(statements: Sequence[str]) -> None:
    with plain().cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
            if cursor.description:
                cursor.fetchall()


@cache
def plain() -> Any:
    """A connection without Django between."""
    import psycopg
    from django.db import connection

    connection.ensure_connection()
    return psycopg.connect(connection.connection.info.dsn, autocommit=True)


# --- Creates ---------------------------------------------------------------------------------


def compare_creates(server: Server, users: dict[int, tuple[str, str]], seconds: float) -> None:
    counts = " | ".join(f"{count} clients | ratio" for count in CLIENTS)
    print(f"\n| memories | embedder alone, {CORES} threads | {counts} |")
    print("| --- | --- |" + " --- | --- |" * len(CLIENTS))
    for size, (_, key) in users.items():
        pairs = [creates(server, key, count, seconds) for count in CLIENTS]
        embedded = sum(alone for alone, _ in pairs) / len(pairs)
        columns = " | ".join(f"{made:.0f}/s | **{made / alone:.2f}**" for alone, made in pairs)
        print(f"| {size} | {embedded:.0f}/s | {columns} |")


def creates(server: Server, key: str, clients: int, seconds: float) -> tuple[float, float]:
    """How many texts a second are embedded on all cores, and how many are remembered."""
    texts = Texts(seed=clients)
    connections = threading.local()
    before = rate(CORES, seconds / 2, lambda: embed(texts))
    made = rate(clients, seconds, lambda: create(server, key, connections, texts))
    after = rate(CORES, seconds / 2, lambda: embed(texts))
    return (before + after) / 2, made


class Texts:
    """Sentences without end, from several threads."""

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


def rate(threads: int, seconds: float, do: Callable[[], None]) -> float:
    """How often a second these threads together get it done."""
    until = time.perf_counter() + seconds

    def work(_: int) -> int:
        done = 0
        while time.perf_counter() < until:
            do()
            done += 1
        return done

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(work, range(threads))) / seconds


# --- Slow clients ----------------------------------------------------------------------------


def compare_slow_clients(server: Server, user: tuple[str, str]) -> None:
    client = server.client(user[1])
    writer = Writer(seed=6)

    def searching() -> float:
        return median(
            timed(lambda: client.post("/memories/search", {"query": writer.question()}))
            for _ in range(SAMPLES)
        )

    searching()
    print("\n| clients that send a byte a second | search | ratio to none |")
    print("| --- | --- | --- |")
    for count in SLOW_CLIENTS:
        alone = searching()
        with slow_clients(server.url, user[1], count):
            beside = searching()
        print(f"| {count} | {beside:.1f} ms | **{beside / alone:.2f}** |")


if __name__ == "__main__":
    main()
