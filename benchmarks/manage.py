"""The cost of managing memories, as ratios to its SQL, and of the access log in a search.

Each operation is called over the API, in turns with its statements about memories and apps alone.
As some of these take less than an empty request, `GET /users/me` is called as well, and the ratio
is also printed without it.

    python benchmarks/manage.py [--sizes 10000,100000]

Starts a server in a scratch folder, with users whose memories have categories and an access log.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from itertools import cycle
from statistics import median
from typing import Any

from api import create_users
from live_server import Server, own_server, setup_django
from measurement import (
    SAMPLES,
    WARM_UP,
    capture_statements,
    medians,
    milliseconds,
    raw_connection,
    run_statements,
)
from sample_data import Writer, categorize, log_readings, vacuum_analyze

# What the statements about memories and apps name; `hnsw.` sets how an index is scanned.
MEASURED_NAMES = ("memories_", "apps_registry_", "hnsw.")

# How many memories are paused and resumed in one request, and how often.
BULK = 10_000
BULK_ROUNDS = 5

# The least that a request can take: as many rows updated, and rolled back.
UPDATE_ROWS = """
UPDATE memories_memory SET state = 'archived', updated_at = now() WHERE id = ANY(%s::uuid[])
"""

Call = Callable[[Any, str], Any]

# The request of each operation, by a client of the API, about a memory.
OPERATIONS: dict[str, Call] = {
    "filter": lambda client, pk: client.post("/memories/filter", {"size": 50}),
    "categories": lambda client, pk: client.get("/memories/categories"),
    "related": lambda client, pk: client.get(f"/memories/{pk}/related"),
    "apps": lambda client, pk: client.get("/apps"),
    "stats": lambda client, pk: client.get("/stats"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", default="10000,100000", help="memories of each user")
    sizes = [int(size) for size in parser.parse_args().sizes.split(",")]
    with own_server() as server:
        setup_django()
        users = create_users(server, sizes)
        managers = {size: Manager(server, *user) for size, user in users.items()}
        vacuum_analyze()
        for _ in range(SAMPLES + WARM_UP):
            for manager in managers.values():
                manager.measure_all()
        print_operations(managers)
        print_access_log(managers)
        print_bulk(managers)


def print_operations(managers: dict[int, Manager]) -> None:
    columns = " | ".join(f"SQL at {size} | request | ratio | beyond" for size in managers)
    print(f"\n| operation | {columns} | growth |")
    print("| --- |" + " --- |" * (4 * len(managers) + 1))
    for name in OPERATIONS:
        figures = [manager.medians_of(name) for manager in managers.values()]
        columns = " | ".join(
            f"{sql:.1f} ms | {request:.1f} ms | **{request / sql:.2f}**"
            f" | {(request - empty) / sql:.2f}"
            for sql, request, empty in figures
        )
        print(f"| {name} | {columns} | **{figures[-1][1] / figures[0][1]:.2f}** |")
    empty = managers[min(managers)].medians_of(next(iter(OPERATIONS)))[-1]
    print(f"\n`beyond` is the ratio without the {empty:.1f} ms that an empty request takes.")


def print_access_log(managers: dict[int, Manager]) -> None:
    print("\n| memories | search without its log | with | ratio |")
    print("| --- | --- | --- | --- |")
    for size, manager in managers.items():
        logging, search = manager.medians_of("search")
        without = search - logging
        print(f"| {size} | {without:.1f} ms | {search:.1f} ms | **{search / without:.2f}** |")


def print_bulk(managers: dict[int, Manager]) -> None:
    print("\n| memories | of them paused and resumed | UPDATE | request | ratio |")
    print("| --- | --- | --- | --- | --- |")
    for size, manager in managers.items():
        update, request = manager.pause_and_resume()
        count = min(size, BULK)
        ratio = f"**{request / update:.2f}**"
        print(f"| {size} | {count} | {update:.0f} ms | {request:.0f} ms | {ratio} |")


class Manager:
    """Manages the memories of a user, and times each operation in SQL and over the API."""

    def __init__(self, server: Server, user_id: str, key: str) -> None:
        from accounts.models import User
        from memories.models import Memory

        self._user = User.objects.get(user_id=user_id)
        categorize(self._user)
        log_readings(self._user)
        self._client, self._new_client = server.client(key), partial(server.client, key)
        self._in_process = InProcess(key)
        ids = Memory.objects.owned_by(self._user).values_list("pk", flat=True)
        # In the order of ids, which is random.
        self._memories = [str(pk) for pk in ids.order_by("pk")[:BULK]]
        self._next_memory = cycle(self._memories)
        self._writer = Writer(seed=7)
        self._times: dict[str, list[tuple[float, ...]]] = {name: [] for name in OPERATIONS}
        self._times["search"] = []

    def measure_all(self) -> None:
        memory = next(self._next_memory)
        for name, call in OPERATIONS.items():
            self._times[name].append(self._measure(call, memory))
        self._times["search"].append(self._search())

    def medians_of(self, name: str) -> list[float]:
        return medians(self._times[name])

    def pause_and_resume(self) -> list[float]:
        """The medians of updating as many rows, and of a request that does."""
        self._client = self._new_client()  # the server has closed the idle one
        times = [self._change(state) for _ in range(BULK_ROUNDS) for state in ("paused", "active")]
        return [median(column) for column in zip(*times, strict=True)]

    def _change(self, state: str) -> tuple[float, float]:
        body = {"memory_ids": self._memories, "state": state}
        return (
            milliseconds(self._update_rows),
            milliseconds(lambda: self._client.post("/memories/actions/pause", body)),
        )

    def _update_rows(self) -> None:
        with raw_connection().transaction(force_rollback=True), raw_connection().cursor() as cursor:
            cursor.execute(UPDATE_ROWS, [self._memories])

    def _measure(self, call: Call, memory: str) -> tuple[float, ...]:
        statements = self._statements(call, memory)
        return (
            milliseconds(lambda: run_in_transaction(statements)),
            milliseconds(lambda: call(self._client, memory)),
            milliseconds(lambda: self._client.get("/users/me")),
        )

    def _statements(self, call: Call, memory: str) -> list[str]:
        """The statements about memories and apps, without those of authentication."""
        statements = capture_statements(lambda: call(self._in_process, memory))
        return [
            statement
            for statement in statements
            if any(name in statement for name in MEASURED_NAMES)
        ]

    def _search(self) -> tuple[float, float]:
        from memories.access.log import log_accesses
        from memories.models import Memory

        hits = list(Memory.objects.owned_by(self._user).active()[:10])
        logging = milliseconds(lambda: log_accesses(hits, app=None, access_type="search"))
        body = {"query": self._writer.question()}
        search = milliseconds(lambda: self._client.post("/memories/search", body))
        return logging, search


def run_in_transaction(statements: Sequence[str]) -> None:
    """In one transaction, as the settings of an index scan last for one."""
    with raw_connection().transaction():
        run_statements(statements)


class InProcess:
    """A client of the API in this process, where its statements can be captured."""

    def __init__(self, key: str) -> None:
        from django.test import Client

        self._client = Client(headers={"Authorization": f"Bearer {key}"})

    def get(self, path: str) -> Any:
        return self._client.get(f"/api/v1{path}")

    def post(self, path: str, body: Any) -> Any:
        return self._client.post(f"/api/v1{path}", body, content_type="application/json")


if __name__ == "__main__":
    main()
