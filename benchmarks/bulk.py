"""What storing many memories with one request saves, and what an idempotency key costs.

    python benchmarks/bulk.py [--memories 1000] [--rounds 2]

Starts a server, and stores the same number of new memories with one request each, with one request
for all, and with a key for each, in turns. Prints the ratios.
"""

from __future__ import annotations

import argparse
import uuid
from statistics import median
from typing import Any

from live_server import Client, own_server
from measurement import milliseconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--memories", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    with own_server() as server:
        from sample_data import Writer

        writer = Writer(seed=1)
        client = server.new_user("somebody")
        rows = []
        for _ in range(options.rounds):
            bodies = [[{"text": writer.sentence()} for _ in range(options.memories)] for _ in "abc"]
            rows.append(
                [
                    milliseconds(lambda: post_each(client, bodies[0])),
                    milliseconds(lambda: client.post("/memories/bulk", {"memories": bodies[1]})),
                    milliseconds(lambda: post_each(client, bodies[2], keyed=True)),
                ]
            )
        each, bulk, keyed = (median(column) / 1000 for column in zip(*rows, strict=True))
    print("| memories | a request each | one request | ratio | with keys | ratio |")
    print("| --- | --- | --- | --- | --- | --- |")
    print(
        f"| {options.memories} | {each:.1f} s | {bulk:.1f} s | **{each / bulk:.1f}** "
        f"| {keyed:.1f} s | **{keyed / each:.2f}** |"
    )


def post_each(client: Client, bodies: list[dict[str, Any]], *, keyed: bool = False) -> None:
    for body in bodies:
        client.headers.pop("Idempotency-Key", None)
        if keyed:
            client.headers["Idempotency-Key"] = str(uuid.uuid4())
        client.post("/memories", body)
    client.headers.pop("Idempotency-Key", None)


if __name__ == "__main__":
    main()
