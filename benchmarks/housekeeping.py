"""The cost of housekeeping: archiving, purging, erasing, vacuuming and the doctor.

The memories have categories and an access log. Each deletion is compared with plain statements that
delete the same rows, one for each table, and are rolled back; and the searches of another user
while it runs, with searches on an idle server.

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

from api import embedder
from live_server import Client, own_server, setup_django
from measurement import milliseconds
from sample_data import categorize, insert_memories, log_readings, vacuum_analyze

SEARCHES = 50
SEARCHER_MEMORIES = 1_000  # memories of the user who searches

DELETIONS = (
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
        setup_django()
        searcher = server.new_user("searcher")
        insert_memories("searcher", SEARCHER_MEMORIES, embedder())
        idle = median(milliseconds(lambda: search(searcher)) for _ in range(SEARCHES))
        print(f"{size:,} memories of one user; a search of another user: {idle:.0f} ms")
        measure_housekeeping(server, searcher, size, idle)


def measure_housekeeping(server: Any, searcher: Client, size: int, idle: float) -> None:
    from django.utils import timezone

    from accounts.models import User
    from memories.lifecycle import archive
    from memories.models import ArchivePolicy, Memory
    from operators import erase, purge_deleted, run_checks, vacuum

    def measure(name: str, call: Callable[[], Any], baseline: float | None = None) -> None:
        duration, search_time = time_with_searches(call, searcher)
        ratio = f", {duration / baseline:.1f} times plain statements" if baseline else ""
        slowdown = f"searches take {search_time / idle:.1f} times as long"
        print(f"{name:<22} {duration / 1000:7.1f} s{ratio}; {slowdown}")

    user = create_user(server, "purged", size)
    ArchivePolicy.objects.create(days=30, user=user)
    measure("archive", lambda: list(archive.archive_due()))
    long_ago = timezone.now() - timedelta(days=31)
    Memory.objects.owned_by(user).update(state="deleted", state_changed_at=long_ago)
    vacuum_analyze()
    deleting = milliseconds(lambda: delete_and_roll_back(user))
    vacuum_analyze()
    measure("purge", lambda: list(purge_deleted.purge_due()), deleting)
    measure("vacuum after it", lambda: list(vacuum.vacuum_tables(vacuum.find_overdue_tables())))
    erased = create_user(server, "erased", size)
    measure("the doctor", lambda: list(run_checks.run_checks()))
    measure("erase", lambda: erase.erase_user(erased, by=None), deleting)
    scrubbed = create_user(server, "scrubbed", size)
    measure("erase with scrub", lambda: erase.erase_user(scrubbed, by=None, scrub=True), deleting)
    assert not User.objects.filter(pk__in=[erased.pk, scrubbed.pk]).exists()


def create_user(server: Any, user_id: str, size: int) -> Any:
    from accounts.models import User

    server.new_user(user_id)
    insert_memories(user_id, size, embedder())
    user = User.objects.get(user_id=user_id)
    categorize(user)
    log_readings(user)
    vacuum_analyze()
    return user


def delete_and_roll_back(user: Any) -> None:
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        for statement in DELETIONS:
            cursor.execute(statement, {"user": user.pk})
        transaction.set_rollback(True)


def search(searcher: Client) -> None:
    searcher.post("/memories/search", {"query": "Who painted the guitar in Lisbon?"})


def time_with_searches(call: Callable[[], Any], searcher: Client) -> tuple[float, float]:
    """The milliseconds of a call, and the median of those of at least one search meanwhile."""
    stop, times = threading.Event(), []

    def search_repeatedly() -> None:
        client = searcher.new_connection()
        while not times or not stop.wait(0.05):
            times.append(milliseconds(lambda: search(client)))

    thread = threading.Thread(target=search_repeatedly)
    thread.start()
    try:
        duration = milliseconds(call)
    finally:
        stop.set()
        thread.join()
    return duration, median(times)


if __name__ == "__main__":
    main()
