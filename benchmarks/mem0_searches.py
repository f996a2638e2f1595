"""What a search by Mem0's API costs with each kind of filter, and of many end users at once.

    python benchmarks/mem0_searches.py [--memories 5000] [--end-users 1000] [--samples 60]

Starts a server. Each search of one user is compared with the server's own API, asked the same.
Those of many end users, of 100 memories each, are compared with one user who has as many. Also
checks that they find the same, in the same order, as when one user had all of it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from live_server import Client, Server, own_server, setup_django
from measurement import medians, milliseconds
from mem0_dialect import DialectClient, show

OF_EACH = 100
ALL_DAYS = {"from_date": "2020-01-01"}
DAY = "2023-01-05"

# What both are asked: the filters of Mem0's API, and those of the server's own.
ME = {"user_id": "reader"}
CASES: dict[str, tuple[Any, dict[str, Any]]] = {
    "one user": (ME, {}),
    "AND with metadata": (
        {"AND": [ME, {"metadata": {"colour": "red"}}]}, {"metadata": {"colour": "red"}},
    ),
    "metadata, not equal": (
        {**ME, "metadata": {"colour": {"ne": "red"}}},
        {"metadata": {"not": {"colour": {"eq": "red"}}}},
    ),
    "categories": ({**ME, "categories": {"in": ["travel"]}}, {"categories": ["travel"]}),
    "dates": ({**ME, "created_at": {"gte": DAY}}, {"from_date": DAY}),
    "OR of runs": (
        {"AND": [ME, {"OR": [{"run_id": f"conversation {n}"} for n in (0, 2)]}]},
        {"conversations": ["conversation 0", "conversation 2"]},
    ),
    "NOT": (
        {**ME, "NOT": {"metadata": {"colour": "red"}}},
        {"metadata": {"not": {"colour": {"eq": "red"}}}},
    ),
}  # fmt: skip

# What was copied for one user is spread over end users. Neither is the log of it of interest, nor
# would constraints find anything.
SPREAD = """
WITH place AS (
    SELECT id, (row_number() OVER (ORDER BY id) - 1) / %(of_each)s AS number
    FROM memories_memory WHERE user_id = %(source)s
), moved AS (
    UPDATE memories_memory AS memory SET user_id = (%(users)s::uuid[])[place.number + 1]
    FROM place WHERE place.id = memory.id
    RETURNING memory.id, memory.user_id
)
UPDATE memories_embedding AS embedding SET user_id = moved.user_id
FROM moved WHERE embedding.memory_id = moved.id
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--memories", type=int, default=5000, help="0: skip these")
    parser.add_argument("--end-users", type=int, default=1000)
    parser.add_argument("--samples", type=int, default=60)
    options = parser.parse_args()
    with own_server(OPENMEMORY_MEM0_SEARCH_LIMIT="1000000") as server:
        setup_django()
        benchmark = Benchmark(server, options.samples)
        if options.memories:
            benchmark.fill(options.memories)
            print("| search | API | Mem0's API | ratio |")
            print("| --- | --- | --- | --- |")
            for name in CASES:
                show(name, benchmark.compare(name))
        benchmark.fill_many(options.end_users)
        print("\n| end users | memories | one user with as many | all at once | ratio |")
        print("| --- | --- | --- | --- | --- |")
        benchmark.compare_many()
        benchmark.check_exactness(options.end_users)


class Benchmark:
    def __init__(self, server: Server, samples: int) -> None:
        from sample_data import Writer

        self._server, self._samples = server, samples
        self._writer = Writer(seed=1)
        self._reader = server.new_user("reader")
        self._shop = DialectClient(server.url, server.new_user("shop").key)
        self._names: list[str] = []
        self._alone: dict[int, float] = {}
        self._clients: dict[int, Client] = {}

    def fill(self, memories: int) -> None:
        from sample_data import categorize, insert_memories, vacuum_analyze

        from accounts.models import User
        from configuration.providers import get_local_embedder
        from core import sql

        insert_memories("reader", memories, get_local_embedder())
        reader = User.objects.get(user_id="reader")
        categorize(reader)
        sql.execute(
            "UPDATE memories_memory SET metadata = CASE WHEN random() < 0.2 THEN "
            "'{\"colour\": \"red\"}'::jsonb ELSE '{}'::jsonb END WHERE user_id = %s", [reader.pk]
        )  # fmt: skip
        vacuum_analyze()

    def fill_many(self, end_users: int) -> None:
        """Give each end user memories, and other users as many as some of these together."""
        from sample_data import insert_memories, vacuum_analyze

        from configuration.providers import get_local_embedder

        embedder = get_local_embedder()
        for number in (end_users // 100, end_users // 10, end_users):
            client = self._server.new_user(f"of-{number}")
            self._clients[number] = DialectClient(self._server.url, client.key)
            insert_memories(f"of-{number}", number * OF_EACH, embedder)
            self._alone[number] = self._measure(lambda client=client: self._ask_one(client))
        self._names = self._spread(f"of-{end_users}", end_users, account="shop")
        vacuum_analyze()

    def _ask_one(self, client: Client) -> None:
        query = self._writer.beginning()
        client.post("/memories/search", {"query": query, "min_score": 0, "filters": ALL_DAYS})

    def _spread(self, source: str, end_users: int, *, account: str) -> list[str]:
        """Give the memories of a user to end users of an account. Returns their names."""
        from accounts.models import User
        from core import sql

        owner = User.objects.get(user_id=account)
        names = [f"user {number}" for number in range(end_users)]
        users = [
            User(user_id=f"{account}-{number}", owner=owner, external_id=name)
            for number, name in enumerate(names)
        ]
        User.objects.bulk_create(users)
        ids = sql.uuid_array(user.pk for user in users)
        source_id = User.objects.get(user_id=source).pk
        sql.execute("ALTER TABLE memories_memory DISABLE TRIGGER USER")
        sql.execute(SPREAD, {"source": source_id, "users": ids, "of_each": OF_EACH})
        sql.execute("ALTER TABLE memories_memory ENABLE TRIGGER USER")
        return names

    def compare(self, name: str) -> tuple[float, float]:
        filters, own = CASES[name]
        dialect = DialectClient(self._server.url, self._reader.key)

        def pair() -> tuple[float, float]:
            query = self._writer.beginning()
            theirs = {"query": query, "filters": filters}
            ours = {"query": query, "filters": own, "min_score": 0}
            return (
                milliseconds(lambda: self._reader.post("/memories/search", ours)),
                milliseconds(lambda: dialect.post("/v3/memories/search/", theirs)),
            )

        api, mem0 = medians([pair() for _ in range(self._samples)])
        return api, mem0

    def compare_many(self) -> None:
        for number, alone in self._alone.items():
            is_all = number == len(self._names)
            filters = {"user_id": "*" if is_all else {"in": self._names[:number]}}
            every = self._measure(lambda filters=filters: self._search(filters))
            print(
                f"| {number:,} | {number * OF_EACH:,} | {alone:.1f} ms | {every:.1f} ms | "
                f"**{every / alone:.2f}** |",
                flush=True,
            )

    def _measure(self, call: Callable[[], Any]) -> float:
        [result] = medians([(milliseconds(call),) for _ in range(max(15, self._samples // 3))])
        return result

    def check_exactness(self, end_users: int) -> None:
        """Of a tenth of the end users: one with more has an index, which may miss some."""
        source, few = f"of-{end_users // 10}", end_users // 10
        account = DialectClient(self._server.url, self._server.new_user("exact").key)
        queries = [self._writer.beginning() for _ in range(self._samples)]
        before = [self._ids(self._clients[few], query, source) for query in queries]
        self._spread(source, few, account="exact")
        after = [self._ids(account, query, "*") for query in queries]
        same = sum(one == other for one, other in zip(before, after, strict=True))
        print(f"\n{same} of {len(queries)} searches find the same as when one user had all of it.")
        if same < len(queries):
            raise SystemExit(1)

    def _ids(self, client: Client, query: str, user_id: str) -> list[str]:
        body = {"query": query, "filters": {"user_id": user_id}, "top_k": 20, "threshold": 0}
        return [hit["id"] for hit in client.post("/v3/memories/search/", body)["results"]]

    def _search(self, filters: Any) -> Any:
        body = {"query": self._writer.beginning(), "filters": filters, "threshold": 0}
        return self._shop.post("/v3/memories/search/", body)["results"]


if __name__ == "__main__":
    main()
