"""What Mem0's API costs beside the server's own, and what it withstands.

    python benchmarks/mem0_dialect.py [--memories 2000] [--samples 200] [--end-users 1000]

Starts a server. Searches the same memories, and stores ten new ones, through both in turns; deletes
all end users of an account as `reset()` of a client does; and sends the same text twenty times at
once. Prints the ratios and the counts.
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any
from urllib.parse import quote

from live_server import Client, Server, own_server
from measurement import medians, milliseconds

AT_ONCE = 20
MESSAGES = 10


class DialectClient(Client):
    prefix = ""

    def add(self, texts: list[str], **fields: Any) -> Any:
        messages = [{"role": "user", "content": text} for text in texts]
        return self.post("/v3/memories/add/", {"messages": messages, **fields})

    def count(self, **filters: str) -> int:
        return int(self.post("/v3/memories/", {"filters": filters})["count"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--memories", type=int, default=2000)
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--end-users", type=int, default=1000)
    options = parser.parse_args()
    with own_server() as server:
        benchmark = Benchmark(server)
        benchmark.fill(options.memories)
        print("| call | API | Mem0's API | ratio |")
        print("| --- | --- | --- | --- |")
        show("a search", benchmark.compare_searches(options.samples))
        show(f"{MESSAGES} memories", benchmark.compare_adds(options.samples))
        print()
        seconds, others = benchmark.reset(options.end_users)
        print(
            f"`reset()` of {options.end_users:,} end users took {seconds:.1f} s; another account "
            f"has {others} of 1 memories."
        )
        print(f"{AT_ONCE} identical adds at once made {benchmark.add_at_once()} memory.")


def show(name: str, row: tuple[float, float]) -> None:
    api, dialect = row
    print(f"| {name} | {api:.1f} ms | {dialect:.1f} ms | **{dialect / api:.2f}** |", flush=True)


class Benchmark:
    def __init__(self, server: Server) -> None:
        from sample_data import Writer

        self._server = server
        self._api = server.new_user("somebody")
        self._dialect = DialectClient(server.url, self._api.key)
        self._writer, self._days = Writer(seed=1), count(1)

    def fill(self, number: int) -> None:
        while number > 0:
            batch = [{"text": self._text()} for _ in range(min(number, 500))]
            self._api.post("/memories/bulk", {"memories": batch})
            number -= len(batch)

    def compare_searches(self, samples: int) -> tuple[float, float]:
        def pair() -> tuple[float, float]:
            query = self._writer.beginning()
            body = {"query": query, "filters": {"user_id": "somebody"}, "top_k": 10}
            return (
                milliseconds(lambda: self._api.post("/memories/search", {"query": query})),
                milliseconds(lambda: self._dialect.post("/v3/memories/search/", body)),
            )

        return self._measure(pair, samples)

    def compare_adds(self, samples: int) -> tuple[float, float]:
        def pair() -> tuple[float, float]:
            first, second = ([self._text() for _ in range(MESSAGES)] for _ in range(2))
            bulk = {"memories": [{"text": text} for text in first]}
            return (
                milliseconds(lambda: self._api.post("/memories/bulk", bulk)),
                milliseconds(lambda: self._dialect.add(second, user_id="somebody")),
            )

        return self._measure(pair, samples)

    def reset(self, end_users: int) -> tuple[float, int]:
        """Delete the end users of an account, one after the other, as a client does."""
        account, other = (
            DialectClient(self._server.url, self._server.new_user(name).key)
            for name in ("shop", "rival")
        )
        for number in range(end_users):
            account.add([self._text()], user_id=f"user {number}", infer=False)
        other.add([self._text()], user_id="user 1", infer=False)
        started = time.perf_counter()
        for entity in account.get("/v1/entities/")["results"]:
            account.delete(f"/v2/entities/{entity['type']}/{quote(entity['name'], safe='')}/")
        seconds = time.perf_counter() - started
        if account.count(user_id="*"):
            raise SystemExit("Some memories are left.")
        return seconds, other.count(user_id="user 1")

    def add_at_once(self) -> int:
        def add(_: int) -> None:
            client = DialectClient(self._server.url, self._api.key)
            client.add(["I like tea very much"], user_id="twin", infer=False)

        with ThreadPoolExecutor(AT_ONCE) as threads:
            list(threads.map(add, range(AT_ONCE)))
        # Connections that were idle meanwhile are closed.
        return DialectClient(self._server.url, self._api.key).count(user_id="twin")

    def _measure(self, pair: Any, samples: int) -> tuple[float, float]:
        api, dialect = medians([pair() for _ in range(samples)])
        return api, dialect

    def _text(self) -> str:
        return f"{self._writer.beginning()} on day {next(self._days)}"


if __name__ == "__main__":
    main()
