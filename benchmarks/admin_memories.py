"""Response times of the admin's lists, filters and searches with a million memories.

    python benchmarks/admin_memories.py [--memories 1000000] [--user-of 200000]

Creates a database in a scratch folder, fills its tables by SQL, signs an operator in and opens each
page in turn.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode

from live_server import setup_django

ROUNDS = 5
MAX_MILLISECONDS = 500
DASHBOARD = "dashboard"
MAX_MILLISECONDS_OF = {DASHBOARD: 1000}
MAX_STATEMENTS = 14

USERS = 1_000
# With fewer, users, categories or the access log of the pages may have no memory at all.
MIN_MEMORIES = 10_000

# One user has many memories, and all others share the rest. Word frequencies follow those of
# natural language: `w1` is in about every tenth memory, and most are in a few.
FILL = {
    "users": """
        INSERT INTO accounts_user (id, password, is_superuser, user_id, name, email, metadata,
            is_staff, is_active, created_at, updated_at)
        SELECT gen_random_uuid(), '', false, 'user' || n, '', '', '{}', false, true, now(), now()
        FROM generate_series(1, %(users)s) AS n""",
    "apps": """
        INSERT INTO apps_registry_app (id, owner_id, name, description, metadata, is_active,
            memories_read, created_at, updated_at)
        SELECT gen_random_uuid(), id, app, '', '{}', true, 0, now(), now()
        FROM accounts_user, unnest(ARRAY['chat', 'editor']) AS app WHERE user_id LIKE 'user%%'""",
    "memories": """
        WITH app AS MATERIALIZED (
            SELECT app.id, app.owner_id,
                row_number() OVER (ORDER BY user_id <> 'user1', app.id) AS n
            FROM apps_registry_app AS app JOIN accounts_user AS owner ON owner.id = app.owner_id
            WHERE user_id LIKE 'user%%'
        ), written AS MATERIALIZED (
            SELECT n, now() - n * interval '30 seconds' AS at,
                CASE WHEN n %% %(every)s = 0 THEN n / %(every)s %% 2 + 1
                    ELSE 3 + floor(random() * (2 * %(users)s - 2)) END AS app,
                (ARRAY['paused', 'archived', 'archived', 'deleted'])
                    [CASE WHEN random() < 0.15 THEN 1 + floor(random() * 4) END] AS state,
                (SELECT string_agg('w' || floor(20000 ^ random() + 0 * n + 0 * word)::int, ' ')
                    FROM generate_series(1, 20) AS word) AS content
            FROM generate_series(1, %(memories)s) AS n
        )
        INSERT INTO memories_memory (id, user_id, app_id, content, metadata, state, words, actor,
            state_changed_at, fingerprint, created_at, updated_at)
        SELECT gen_random_uuid(), owner_id, app.id, content, '{"source": "benchmark"}',
            coalesce(state, 'active'), strip(to_tsvector('english', content)),
            'a' || written.n %% 7, at, sha256(convert_to(content, 'UTF8')), at, at
        FROM written JOIN app ON app.n = written.app""",
    "categories": """
        INSERT INTO memories_category (id, name, description, created_at, updated_at)
        SELECT gen_random_uuid(), 'category ' || n, '', now(), now()
        FROM generate_series(1, 60) AS n""",
    # The first has a third of all, the last a few.
    "categorizations": """
        WITH numbered AS MATERIALIZED (
            SELECT id, row_number() OVER (ORDER BY name) AS n FROM memories_category
            WHERE name LIKE 'category %%'
        ), chosen AS MATERIALIZED (
            SELECT id, user_id, floor(60 * random() ^ 3) + 1 AS n FROM memories_memory
        )
        INSERT INTO memories_categorization (memory_id, user_id, category_id)
        SELECT chosen.id, user_id, numbered.id FROM chosen JOIN numbered USING (n)
        ORDER BY chosen.id""",
    # All equal: no page depends on their values.
    "vectors": """
        INSERT INTO memories_embedding (memory_id, space_id, user_id, vector)
        SELECT memory.id, space.id, user_id, %(vector)s::halfvec
        FROM memories_memory AS memory, memories_embeddingspace AS space
        WHERE space.state = 'active' AND memory.id < %(some)s::uuid ORDER BY memory.id""",
    "history": """
        INSERT INTO memories_statechange (memory_id, old_state, new_state, changed_at, reason)
        SELECT id, '', 'active', created_at, '' FROM memories_memory ORDER BY id""",
}

# Built after its table is full, in a tenth of the time.
WORDS_INDEX = "memory_by_user_and_words"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--memories", type=int, default=1_000_000, help="of all users together")
    parser.add_argument("--user-of", type=int, default=200_000, help="memories of the largest user")
    options = parser.parse_args()
    if options.memories < MIN_MEMORIES:
        parser.error(f"--memories must be at least {MIN_MEMORIES:,}, so that each page has some.")
    if not 1 <= options.user_of <= options.memories:
        parser.error("--user-of must be from 1 to --memories.")
    with own_database():
        fill(options.memories, options.user_of)
        print_pages(pages())
        print_merge()


@contextmanager
def own_database() -> Iterator[None]:
    """A database without a server, whose jobs would process the memories meanwhile."""
    with tempfile.TemporaryDirectory(prefix="openmemory-benchmark-") as folder:
        os.environ |= {
            "OPENMEMORY_STATE_DIR": folder,
            "OPENMEMORY_LOG_LEVEL": "WARNING",
            "DATABASE_URL": "",
            "REDIS_URL": "",
        }
        setup_django()
        from django.core.management import call_command

        from embedded import stack
        from embedded.postgres import Postgres
        from embedded.valkey import Valkey

        state = Path(folder)
        with stack.running("benchmark", state, [Postgres(state), Valkey(state)]):
            call_command("migrate", verbosity=0)
            yield


def fill(memories: int, user_of: int) -> None:
    from django.db import connection

    parameters = {
        "users": USERS,
        "memories": memories,
        "every": max(1, memories // user_of),
        "vector": str([384**-0.5] * 384),
        "some": "10000000-0000-0000-0000-000000000000",  # every sixteenth has one
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_indexdef(%s::regclass)", [WORDS_INDEX])
        [index] = cursor.fetchone()
        cursor.execute(f"DROP INDEX {WORDS_INDEX}")
        for name, statement in FILL.items():
            started = time.perf_counter()
            cursor.execute(statement, parameters)
            seconds = time.perf_counter() - started
            print(f"{cursor.rowcount:>10,} {name} in {seconds:.0f} s", flush=True)
        cursor.execute("SET maintenance_work_mem = '512MB'")
        cursor.execute(index)
        cursor.execute("VACUUM ANALYZE")


def pages() -> dict[str, str]:
    from accounts.models import User
    from apps_registry.models import App
    from memories.models import ArchivePolicy, Category, EmbeddingSpace, Memory

    large, small = (User.objects.get(user_id=name) for name in ("user1", "user7"))
    common, rare = (Category.objects.get(name=f"category {n}") for n in (1, 9))
    memory = Memory.objects.filter(user=large).latest("created_at")
    policy = ArchivePolicy.objects.create(days=30, category=rare)
    ArchivePolicy.objects.create(days=3000)
    app = App.objects.filter(owner=large).first()
    changelist = "/admin/memories/memory/"

    def memories(**query: Any) -> str:
        return f"{changelist}?{urlencode(query)}"

    return {
        DASHBOARD: "/admin/",
        "memories": changelist,
        "memories, last page": memories(p=200),
        "archived": memories(state__exact="archived"),
        "deleted": memories(state__exact="deleted"),
        "of a large user": memories(user=large.pk),
        "archived of a large user": memories(user=large.pk, state__exact="archived"),
        "of a small user": memories(user=small.pk),
        "of an app": memories(app=app.pk),
        "of an actor of a large user": memories(user=large.pk, actor="a3"),
        "in a common category": memories(category=common.pk),
        "in a rare category": memories(category=rare.pk),
        "of one day": memories(created_at_from="2026-11-01", created_at_to="2026-11-01"),
        "superseded": memories(superseded="yes"),
        "a rare word, all users": memories(q="w19001"),
        "a common word, all users": memories(q="w1"),
        "two words, all users": memories(q="w5 w600"),
        "a query, small user": memories(q="w50 w600 w1700", user=small.pk),
        "a query, large user": memories(q="w50 w600 w1700", user=large.pk),
        "a memory": f"{changelist}{memory.pk}/change/",
        "categories": "/admin/memories/category/",
        "a merge": f"/admin/memories/category/merge/?id={common.pk}&id={rare.pk}",
        "archive policies": "/admin/memories/archivepolicy/",
        "an archive policy": f"/admin/memories/archivepolicy/{policy.pk}/change/",
        "embedding spaces": "/admin/memories/embeddingspace/",
        "an embedding space": "/admin/memories/embeddingspace/"
        f"{EmbeddingSpace.objects.current().pk}/change/",
    }


def print_pages(addresses: dict[str, str]) -> None:
    from django.test import Client

    from accounts.models import User

    browser = Client(raise_request_exception=False, SERVER_NAME="127.0.0.1")
    browser.force_login(User.objects.create_superuser("root", "a password"))
    print("\n| page | response | statements | share of SQL | longest statement | |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, address in addresses.items():
        rows = [_measure(browser, address) for _ in range(ROUNDS + 1)][1:]
        response, statements, sql, longest = (median(column) for column in zip(*rows, strict=True))
        slow = "**slow**" if response > MAX_MILLISECONDS_OF.get(name, MAX_MILLISECONDS) else ""
        many = "**many**" if statements > MAX_STATEMENTS else ""
        print(
            f"| {name} | {response:.0f} ms | {statements:.0f} | {sql / response:.0%}"
            f" | {longest / response:.0%} | {slow} {many} |",
            flush=True,
        )


def _measure(browser: Any, address: str) -> Any:
    from django.core.cache import caches
    from django.db import connection

    caches["circuits"].clear()  # where the dashboard caches its figures for a minute
    times: list[float] = []

    def record_time(execute: Callable[..., Any], *arguments: Any) -> Any:
        started = time.perf_counter()
        try:
            return execute(*arguments)
        finally:
            times.append(1000 * (time.perf_counter() - started))

    started = time.perf_counter()
    with connection.execute_wrapper(record_time):
        response = browser.get(address)
    duration = 1000 * (time.perf_counter() - started)
    if response.status_code != 200:
        raise SystemExit(f"{address} returned {response.status_code}")
    return duration, len(times), sum(times), max(times)


def print_merge() -> None:
    from memories.categories.merge import merge_categories
    from memories.models import Category

    categories = list(Category.objects.filter(name__startswith="category").order_by("name"))
    started = time.perf_counter()
    merge = merge_categories([category.pk for category in categories], into=categories[-1].pk)
    seconds = time.perf_counter() - started
    print(f"\n{merge.moved:,} memories of 59 categories merged into one in {seconds:.1f} s")


if __name__ == "__main__":
    main()
