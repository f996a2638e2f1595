"""What reading the past costs beside reading the present.

    python benchmarks/past.py [--memories 100000] [--edited 1000]

Starts a server with one user's memories, edits some, deletes as many and stores as many. Then it
reads the same lists, filters, memories, counts and searches as of a moment before all that, as of
now, and without `as_of`, in turns. Prints the medians and their ratios.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from live_server import Client, own_server, setup_django
from measurement import medians, milliseconds
from sample_data import Writer, categorize, insert_memories, vacuum_analyze

ROUNDS = 40
USER = "somebody"

Reading = Callable[[dict[str, Any]], Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--memories", type=int, default=100_000)
    parser.add_argument("--edited", type=int, default=1_000)
    options = parser.parse_args()
    with own_server() as server:
        client = server.new_user(USER)
        before = prepare(options.memories, options.edited)
        print("| reading | plain | as of before | ratio | as of now | ratio |")
        print("| --- | --- | --- | --- | --- | --- |")
        for name, read in readings(client).items():
            print_row(name, read, before)


def print_row(name: str, read: Reading, before: str) -> None:
    moments: list[dict[str, Any]] = [
        {},
        {"as_of": before},
        {"as_of": datetime.now(UTC).isoformat()},
    ]
    rows = [
        [milliseconds(lambda asked=asked: read(asked)) for asked in moments] for _ in range(ROUNDS)
    ]
    plain, past, latest = medians(rows)
    print(
        f"| {name} | {plain:.1f} ms | {past:.1f} ms | **{past / plain:.2f}** | {latest:.1f} ms "
        f"| **{latest / plain:.2f}** |",
        flush=True,
    )


def prepare(memories: int, edited: int) -> str:
    """Store and change memories. Returns a moment before the changes."""
    setup_django()
    from django.db import transaction

    from accounts.models import User
    from configuration.providers import get_local_embedder
    from core import sql
    from memories.models import EmbeddingSpace, Memory, State
    from memories.vectors.user_index import sync_index

    insert_memories(USER, memories, get_local_embedder())
    user = User.objects.get(user_id=USER)
    categorize(user)
    time.sleep(1)
    before = datetime.now(UTC).isoformat()
    ids = list(Memory.objects.owned_by(user).order_by("pk").values_list("pk", flat=True))
    with transaction.atomic():
        Memory.objects.filter(pk__in=ids[:edited]).update(content="They moved to the sea.")
        discarded = Memory.objects.filter(pk__in=ids[edited : 2 * edited])
        discarded.change_state(State.DELETED, by=user)
    insert_memories(USER, edited, get_local_embedder())
    sync_index(user, EmbeddingSpace.objects.current())
    vacuum_analyze()
    sql.execute("VACUUM ANALYZE memories_logline, memories_formerwords, memories_formervector")
    return before


def readings(client: Client) -> dict[str, Reading]:
    writer = Writer(seed=7)
    some = client.get("/memories?page_size=1&page=500")["items"][0]["id"]

    def query(path: str, asked: dict[str, Any]) -> Any:
        moment = "".join(f"&as_of={value.replace('+', '%2B')}" for value in asked.values())
        return client.get(f"{path}{moment}")

    return {
        "list": lambda asked: query("/memories?page_size=50", asked),
        "list, page 100": lambda asked: query("/memories?page_size=50&page=100", asked),
        "list, oldest first": lambda asked: query("/memories?sort_direction=asc", asked),
        "list, by text": lambda asked: query("/memories?sort_column=memory", asked),
        "list of a category": lambda asked: query("/memories?categories=travel", asked),
        "filter": lambda asked: client.post(
            "/memories/filter", {"show_archived": True, "actors": ["Ana"], **asked}
        ),
        "one memory": lambda asked: query(f"/memories/{some}?", asked),
        "categories": lambda asked: query("/memories/categories?", asked),
        "stats": lambda asked: query("/stats?", asked),
        "search": lambda asked: client.post(
            "/memories/search", {"query": writer.question(), **asked}
        ),
    }


if __name__ == "__main__":
    main()
