"""What storing many memories with one request saves, and what an idempotency key costs.

    python benchmarks/bulk.py [--memories 1000]

Starts a server and stores new memories: with a request for each, without a key and with one in
turns, and in the middle of that the same number with one request. Prints the ratios.
"""

from __future__ import annotations

import argparse
import uuid
from itertools import count
from statistics import median
from typing import Any

from live_server import Client, own_server
from measurement import milliseconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--memories", type=int, default=1000)
    options = parser.parse_args()
    with own_server() as server:
        benchmark = Benchmark(server.new_user("somebody"))
        rows = [benchmark.post_pair() for _ in range(options.memories // 2)]
        bulk = benchmark.post_bulk(options.memories) / 1000
        rows += [benchmark.post_pair() for _ in range(options.memories - len(rows))]
    each = sum(plain for plain, _ in rows) / 1000
    of_one, of_keyed = (median(column) for column in zip(*rows, strict=True))
    print("| memories | a request each | one request | ratio | one | with a key | ratio |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    print(
        f"| {options.memories} | {each:.1f} s | {bulk:.1f} s | **{each / bulk:.1f}** "
        f"| {of_one:.1f} ms | {of_keyed:.1f} ms | **{of_keyed / of_one:.2f}** |"
    )


class Benchmark:
    def __init__(self, client: Client) -> None:
        from sample_data import Writer

        self._client, self._keyed_client = client, client.new_connection()
        self._writer, self._days = Writer(seed=1), count(1)

    def post_pair(self) -> tuple[float, float]:
        """Store a memory without a key and another one with one, and return the milliseconds."""
        first, second = self._body(), self._body()
        self._keyed_client.headers["Idempotency-Key"] = str(uuid.uuid4())
        return (
            milliseconds(lambda: self._client.post("/memories", first)),
            milliseconds(lambda: self._keyed_client.post("/memories", second)),
        )

    def post_bulk(self, number: int) -> float:
        body = {"memories": [self._body() for _ in range(number)]}
        return milliseconds(lambda: self._client.post("/memories/bulk", body))

    def _body(self) -> dict[str, Any]:
        return {"text": f"{self._writer.beginning()} on day {next(self._days)}"}


if __name__ == "__main__":
    main()
