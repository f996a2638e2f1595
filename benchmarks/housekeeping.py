"""What clearing up costs: archiving, purging, erasing, vacuuming and the doctor's look.

The memories are in categories and have been read. Each way of removing them is told beside the same
rows removed by plain statements, one for each table, which are then taken back; and a search of
somebody else while it goes on beside one while nothing does.

    python benchmarks/housekeeping.py [--size 100000]

Starts a server in a scratch folder.
"""

from __future__ import annotations

import argparse
import threading
from collections.abc import Callable
from datetime import timedelta
from statistics import median
from typing import Any

from api import embedder, timed
from live_server import Client, own_server, use_django
from sample_data import settle, stock

from manage import put_in_use

LOOKS = 50
BESIDE = 1_000  # memories of who searches meanwhile

REMOVED = (
    "DELETE FROM memories_embedding WHERE user_id = %(user)s",
    "DELETE FROM memories_categorization WHERE user_id = %(user)s",
    "DELETE FROM memories_firstaccess AS it USING memories_memory AS memory"
    " WHERE memory.id = it.memory_id AND user_id = %(user)s",
    "DELETE FROM memories_access AS it USING memories_memory AS memory"
    " WHERE memory.id = it.memory_id AND user_id = %(user)s",
    "DELETE FROM memories_statechange AS it USING memories_memory AS memory"
    " WHERE memory.id = it.memory_id AND user_id = %(user)s",
    "DELETE FROM memories_memory WHERE user_id = %(user)s",
    "SET CONSTRAINTS ALL IMMEDIATE",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=100_000)
    size = parser.parse_args().size
    with own_server() as server:
        use_django()
        searcher = server.new_user("searcher")
        stock("searcher", BESIDE, embedder())
        idle = median(timed(lambda: look(searcher)) for _ in range(LOOKS))
        print(f"{size:,} memories of one user; a search of somebody else: {idle:.0f} ms")
        clear_up(server, searcher, size, idle)


def clear_up(server: Any, searcher: Client, size: int, idle: float) -> None:
    from django.utils import timezone

    from accounts.models import User
    from memories.lifecycle import archive
    from memories.models import ArchivePolicy, Memory
    from operators import erase, purge_deleted, run_checks, vacuum

    def measure(what: str, do: Callable[[], Any], beside: float | None = None) -> None:
        took, search = with_search(do, searcher)
        ratio = f", {took / beside:.1f} times plain statements" if beside else ""
        print(
            f"{what:<22} {took / 1000:7.1f} s{ratio}; searches meanwhile {search / idle:.1f} times"
        )

    user = make(server, "purged", size)
    ArchivePolicy.objects.create(days=30, user=user)
    measure("archive", lambda: list(archive.archive_due()))
    long_ago = timezone.now() - timedelta(days=31)
    Memory.objects.owned_by(user).update(state="deleted", state_changed_at=long_ago)
    settle()
    removing = timed(lambda: remove_plainly(user))
    settle()
    measure("purge", lambda: list(purge_deleted.purge()), removing)
    measure("vacuum after it", lambda: list(vacuum.vacuum(vacuum.neglected())))
    erased = make(server, "erased", size)
    measure("the doctor", lambda: list(run_checks.examine()))
    measure("erase", lambda: erase.erase(erased, by=None), removing)
    scrubbed = make(server, "scrubbed", size)
    measure("erase with scrub", lambda: erase.erase(scrubbed, by=None, scrub=True), removing)
    assert not User.objects.filter(pk__in=[erased.pk, scrubbed.pk]).exists()


def make(server: Any, user_id: str, size: int) -> Any:
    from accounts.models import User

    server.new_user(user_id)
    stock(user_id, size, embedder())
    user = User.objects.get(user_id=user_id)
    put_in_use(user)
    settle()
    return user


def remove_plainly(user: Any) -> None:
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        for statement in REMOVED:
            cursor.execute(statement, {"user": user.pk})
        transaction.set_rollback(True)


def look(searcher: Client) -> None:
    searcher.post("/memories/search", {"query": "Who painted the guitar in Lisbon?"})


def with_search(do: Callable[[], Any], searcher: Client) -> tuple[float, float]:
    """The milliseconds that it takes, and the median of those of searches while it goes on."""
    over, times = threading.Event(), []

    def search() -> None:
        client = searcher.again()
        while not over.wait(0.05):
            times.append(timed(lambda: look(client)))

    thread = threading.Thread(target=search)
    thread.start()
    try:
        took = timed(do)
    finally:
        over.set()
        thread.join()
    return took, median(times)


if __name__ == "__main__":
    main()
