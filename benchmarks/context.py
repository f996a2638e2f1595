"""What it costs a search to look at who said a memory, and at what was said around it.

    python benchmarks/context.py [--sizes 1000,10000,100000] [--samples 60]

Users of these numbers of memories, all of them said by somebody in a conversation, ask the same
questions with the weights of context and speaker at 0 and as they are by default, and with what was
said around each result: in turns and in one process, so that whatever else the machine does slows
all alike. The requests go through all of the server but its sockets.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable
from statistics import median
from typing import Any

from api import captured, stocked, timed
from live_server import own_server, use_django
from sample_data import Writer

WARM_UP = 5
AROUND = 3
ALONE = {"RECALL_NEARBY_WORDS": 0.0, "RECALL_CONTEXT": 0.0, "RECALL_SPEAKER": 0.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", default="1000,10000,100000", help="memories of each user")
    parser.add_argument("--samples", type=int, default=60, help="questions to each user")
    given = parser.parse_args()
    with own_server() as server:
        use_django()
        users = stocked(server, [int(size) for size in given.sizes.split(",")])
        took = asked({size: key for size, (_, key) in users.items()}, given.samples)
    print("\n| memories | search without context | with | ratio | statements | shown | ratio |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for size, rows in took.items():
        without, found, shown = (median(row) for row in list(zip(*rows, strict=True))[:3])
        few, many = rows[-1][3:]
        print(
            f"| {size} | {without:.1f} ms | {found:.1f} ms | **{found / without:.2f}**"
            f" | {few:.0f}, {many:.0f} | {shown:.1f} ms | **{shown / without:.2f}** |"
        )


def asked(keys: dict[int, str], samples: int) -> dict[int, list[tuple[float, ...]]]:
    writer = Writer(seed=7)
    took: dict[int, list[tuple[float, ...]]] = defaultdict(list)
    for number in range(WARM_UP + samples):
        question = writer.question()
        for size, key in keys.items():
            row = ask(key, question, alone_first=number % 2 == 0)
            if number >= WARM_UP:
                took[size].append(row)
    return took


def ask(key: str, question: str, *, alone_first: bool) -> tuple[float, ...]:
    """Milliseconds without, with, and with it shown; statements without and with."""
    search, search_shown = (
        searching(key, question),
        searching(key, question, include_context=AROUND),
    )
    # Whoever asks first loads the middlewares, and the pages that the others then find in memory.
    with alone():
        few = len(captured(search))
    many = len(captured(search))
    search_shown()
    if alone_first:
        with alone():
            without = timed(search)
    found = timed(search)
    if not alone_first:
        with alone():
            without = timed(search)
    return without, found, timed(search_shown), few, many


def alone() -> Any:
    from django.test import override_settings

    return override_settings(**ALONE)


def searching(key: str, question: str, **further: Any) -> Callable[[], Any]:
    from django.test import Client

    client = Client(headers={"Authorization": f"Bearer {key}"}, SERVER_NAME="127.0.0.1")
    body = {"query": question, **further}

    def search() -> None:
        path = "/api/v1/memories/search"
        answer = client.post(path, body, content_type="application/json")
        if answer.status_code != 200:
            raise SystemExit(f"{path} answered {answer.status_code}: {answer.content[:500]!r}")

    return search


if __name__ == "__main__":
    main()
