"""What managing memories costs, as ratios to its own SQL, and what the access log adds to a search.

Each operation is called over the API, and the statements about the person's things that it sends
to PostgreSQL are run by themselves, in turns. As some of these take less than a request that asks
for nothing, `GET /users/me` is called as well, and the ratio is told without that too.

    python benchmarks/manage.py [--sizes 10000,100000]

Starts a server in a scratch folder, with users whose memories are in categories and have been read.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from itertools import cycle
from statistics import median
from typing import Any

from api import SAMPLES, WARM_UP, captured, medians, plain, run, stocked, timed
from live_server import Server, own_server, use_django
from sample_data import Writer, settle

# Every memory is in one of these, as unevenly as people's are, and every fifth in another.
CATEGORISED = """
INSERT INTO memories_categorization (memory_id, category_id, user_id)
SELECT memory.id, category.id, memory.user_id
FROM (SELECT id, user_id, floor(24 * random() ^ 2) + 1 AS theme FROM memories_memory
      WHERE user_id = %(user)s
      UNION ALL
      SELECT id, user_id, floor(24 * random()) + 1 FROM memories_memory
      WHERE user_id = %(user)s AND random() < 0.2) AS memory
JOIN (SELECT id, row_number() OVER (ORDER BY name) AS theme FROM memories_category) AS category
    USING (theme)
ON CONFLICT DO NOTHING
"""

# How often most memories have been read, and how many by one search.
READINGS = 2
READ_AT_ONCE = 100

# What a statement about the person's things names, or how an index of vectors is looked up.
ABOUT_THINGS = ("memories_", "apps_registry_", "hnsw.")

# How many memories are paused and resumed in one request, and how often.
BULK = 10_000
BULK_ROUNDS = 5

# The least that it takes: as many rows written anew, and taken back.
REWRITTEN = """
UPDATE memories_memory SET state = 'archived', updated_at = now() WHERE id = ANY(%s::uuid[])
"""

Call = Callable[[Any, str], Any]

# What each operation asks, of a client of the API, about a memory.
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
        use_django()
        users = stocked(server, sizes)
        managers = {size: Manager(server, *user) for size, user in users.items()}
        settle()
        for _ in range(SAMPLES + WARM_UP):
            for manager in managers.values():
                manager.ask_everything()
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
        noting, search = manager.medians_of("search")
        without = search - noting
        print(f"| {size} | {without:.1f} ms | {search:.1f} ms | **{search / without:.2f}** |")


def print_bulk(managers: dict[int, Manager]) -> None:
    print("\n| memories | of them paused and resumed | rows written anew | a request | ratio |")
    print("| --- | --- | --- | --- | --- |")
    for size, manager in managers.items():
        written, request = manager.pause_and_resume()
        count = min(size, BULK)
        ratio = f"**{request / written:.2f}**"
        print(f"| {size} | {count} | {written:.0f} ms | {request:.0f} ms | {ratio} |")


class Manager:
    """Does what a person does, and notes how long each thing takes by itself and over the API."""

    def __init__(self, server: Server, user_id: str, key: str) -> None:
        from accounts.models import User
        from memories.models import Memory

        self._user = User.objects.get(user_id=user_id)
        put_in_use(self._user)
        self._client, self._new_client = server.client(key), partial(server.client, key)
        self._in_process = InProcess(key)
        mine = Memory.objects.owned_by(self._user).values_list("pk", flat=True)
        # Sorted by their ids, they are in no order of anything else.
        self._memories = [str(pk) for pk in mine.order_by("pk")[:BULK]]
        self._asked_about = cycle(self._memories)
        self._writer = Writer(seed=7)
        self._taken: dict[str, list[tuple[float, ...]]] = {name: [] for name in OPERATIONS}
        self._taken["search"] = []

    def ask_everything(self) -> None:
        memory = next(self._asked_about)
        for name, call in OPERATIONS.items():
            self._taken[name].append(self._ask(call, memory))
        self._taken["search"].append(self._search())

    def medians_of(self, name: str) -> list[float]:
        return medians(self._taken[name])

    def pause_and_resume(self) -> list[float]:
        """The medians of writing as many rows anew, and of a request that changes them."""
        self._client = self._new_client()  # the server has closed one that was idle for long
        taken = [self._change(state) for _ in range(BULK_ROUNDS) for state in ("paused", "active")]
        return [median(column) for column in zip(*taken, strict=True)]

    def _change(self, state: str) -> tuple[float, float]:
        body = {"memory_ids": self._memories, "state": state}
        return (
            timed(self._rewrite),
            timed(lambda: self._client.post("/memories/actions/pause", body)),
        )

    def _rewrite(self) -> None:
        with plain().transaction(force_rollback=True), plain().cursor() as cursor:
            cursor.execute(REWRITTEN, [self._memories])

    def _ask(self, call: Call, memory: str) -> tuple[float, ...]:
        statements = self._statements(call, memory)
        return (
            timed(lambda: run_together(statements)),
            timed(lambda: call(self._client, memory)),
            timed(lambda: self._client.get("/users/me")),
        )

    def _statements(self, call: Call, memory: str) -> list[str]:
        """Those about the person's things: who asks is found out by others."""
        asked = captured(lambda: call(self._in_process, memory))
        return [each for each in asked if any(name in each for name in ABOUT_THINGS)]

    def _search(self) -> tuple[float, float]:
        from memories.access.log import log_accesses
        from memories.models import Memory

        read = list(Memory.objects.owned_by(self._user).active()[:10])
        noting = timed(lambda: log_accesses(read, app=None, access_type="search"))
        body = {"query": self._writer.question()}
        search = timed(lambda: self._client.post("/memories/search", body))
        return noting, search


def run_together(statements: Sequence[str]) -> None:
    """In one transaction, as how an index is looked up is set for the rest of one."""
    with plain().transaction():
        run(statements)


class InProcess:
    """Asks the API in this process, where its statements can be captured."""

    def __init__(self, key: str) -> None:
        from django.test import Client

        self._client = Client(headers={"Authorization": f"Bearer {key}"})

    def get(self, path: str) -> Any:
        return self._client.get(f"/api/v1{path}")

    def post(self, path: str, body: Any) -> Any:
        return self._client.post(f"/api/v1{path}", body, content_type="application/json")


def put_in_use(user: Any) -> None:
    """Put the memories of a user into categories, and have an app read them."""
    from django.db import connection

    from apps_registry.models import App
    from memories.access.log import log_accesses
    from memories.models import Category, Memory
    from memories.taxonomy import BUILT_IN_CATEGORIES

    Category.objects.get_or_create_many([category.name for category in BUILT_IN_CATEGORIES])
    with connection.cursor() as cursor:
        cursor.execute(CATEGORISED, {"user": user.pk})
    app = App.objects.get(owner=user, name="benchmark")
    memories = list(Memory.objects.owned_by(user).only("pk"))
    for _ in range(READINGS):
        for start in range(0, len(memories), READ_AT_ONCE):
            found = memories[start : start + READ_AT_ONCE * 9 // 10]
            log_accesses(found, app=app, access_type="search")


if __name__ == "__main__":
    main()
