"""The cost of speakers and neighbours in a search, and of showing context.

    python benchmarks/context.py [--sizes 1000,10000,100000] [--samples 60]

Users of these numbers of memories, all in conversations, ask the same questions without boosts,
with the default weights, and with context shown: in turns and in one process, so that other load on
the machine slows all alike. The requests go through all of the server but its sockets.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable
from statistics import median
from typing import Any

from api import create_users
from live_server import own_server, setup_django
from measurement import WARM_UP, capture_statements, milliseconds
from sample_data import Writer

CONTEXT_PLACES = 3
NO_BOOSTS = {
    "RECALL_NEARBY_WORDS": 0.0,
    "RECALL_CONTEXT": 0.0,
    "RECALL_ANSWERS": 0.0,
    "RECALL_SPEAKER": 0.0,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", default="1000,10000,100000", help="memories of each user")
    parser.add_argument("--samples", type=int, default=60, help="questions to each user")
    options = parser.parse_args()
    with own_server() as server:
        setup_django()
        users = create_users(server, [int(size) for size in options.sizes.split(",")])
        times = measure({size: key for size, (_, key) in users.items()}, options.samples)
    print(
        "\n| memories | search without boosts | with | ratio | statements | context shown | ratio |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for size, rows in times.items():
        without, boosted, shown = (median(row) for row in list(zip(*rows, strict=True))[:3])
        few, many = rows[-1][3:]
        print(
            f"| {size} | {without:.1f} ms | {boosted:.1f} ms | **{boosted / without:.2f}**"
            f" | {few:.0f}, {many:.0f} | {shown:.1f} ms | **{shown / without:.2f}** |"
        )


def measure(keys: dict[int, str], samples: int) -> dict[int, list[tuple[float, ...]]]:
    writer = Writer(seed=7)
    times: dict[int, list[tuple[float, ...]]] = defaultdict(list)
    for number in range(WARM_UP + samples):
        question = writer.question()
        for size, key in keys.items():
            row = measure_question(key, question, without_first=number % 2 == 0)
            if number >= WARM_UP:
                times[size].append(row)
    return times


def measure_question(key: str, question: str, *, without_first: bool) -> tuple[float, ...]:
    """Milliseconds without boosts, with them, and with context; statements without and with."""
    search = searcher(key, question)
    search_with_context = searcher(key, question, include_context=CONTEXT_PLACES)
    # The first search loads the middleware, and the pages that the others then find in memory.
    with no_boosts():
        few = len(capture_statements(search))
    many = len(capture_statements(search))
    search_with_context()
    if without_first:
        with no_boosts():
            without = milliseconds(search)
    boosted = milliseconds(search)
    if not without_first:
        with no_boosts():
            without = milliseconds(search)
    return without, boosted, milliseconds(search_with_context), few, many


def no_boosts() -> Any:
    from django.test import override_settings

    return override_settings(**NO_BOOSTS)


def searcher(key: str, question: str, **options: Any) -> Callable[[], Any]:
    from django.test import Client

    client = Client(headers={"Authorization": f"Bearer {key}"}, SERVER_NAME="127.0.0.1")
    body = {"query": question, **options}

    def search() -> None:
        path = "/api/v1/memories/search"
        response = client.post(path, body, content_type="application/json")
        if response.status_code != 200:
            raise SystemExit(f"{path} returned {response.status_code}: {response.content[:500]!r}")

    return search


if __name__ == "__main__":
    main()
