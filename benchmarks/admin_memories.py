"""What filters, searches and pages of memories take in the admin where there are a million of them.

    python benchmarks/admin_memories.py [--memories 1000000] [--user-of 200000]

Makes a database in a scratch folder, fills its tables by SQL, signs an operator in and opens each
page in turn. The last column is the longest statement's share of it.
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

from live_server import use_django

ROUNDS = 5
WORST_MILLISECONDS = 500
FRONT_PAGE = "front page"
WORST = {FRONT_PAGE: 1000}
MOST_STATEMENTS = 14

USERS = 1_000

# One user has many memories, and all others share the rest. Words are as frequent as language has
# them: `w1` is in about every tenth memory, and most are in a few.
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
            SELECT app.id, owner_id, row_number() OVER (ORDER BY user_id <> 'user1', app.id) AS n
            FROM apps_registry_app AS app JOIN accounts_user AS owner ON owner.id = owner_id
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
    # All the same: what a page takes does not depend on what they are.
    "vectors": """
        INSERT INTO memories_embedding (memory_id, space_id, user_id, vector)
        SELECT memory.id, space.id, user_id, %(vector)s::halfvec
        FROM memories_memory AS memory, memories_embeddingspace AS space
        WHERE space.state = 'active' AND memory.id < %(some)s::uuid ORDER BY memory.id""",
    "history": """
        INSERT INTO memories_statechange (memory_id, old_state, new_state, changed_at, reason)
        SELECT id, '', 'active', created_at, '' FROM memories_memory ORDER BY id""",
}

# Made again once its table is full, which takes a tenth of the time.
WORDS_INDEX = "memory_by_user_and_words"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--memories", type=int, default=1_000_000, help="of all users together")
    parser.add_argument("--user-of", type=int, default=200_000, help="memories of the largest user")
    given = parser.parse_args()
    with own_database():
        fill(given.memories, given.user_of)
        print_pages(pages())
        print_merge()


@contextmanager
def own_database() -> Iterator[None]:
    """A database without a server, whose jobs would look after what is filled in meanwhile."""
    with tempfile.TemporaryDirectory(prefix="openmemory-benchmark-") as folder:
        os.environ |= {
            "OPENMEMORY_STATE_DIR": folder,
            "OPENMEMORY_LOG_LEVEL": "WARNING",
            "DATABASE_URL": "",
            "REDIS_URL": "",
        }
        use_django()
        from django.core.management import call_command

        from embedded import stack
        from embedded.postgres import Postgres
        from embedded.valkey import Valkey

        state = Path(folder)
        with stack.during("benchmark", state, [Postgres(state), Valkey(state)]):
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
            began = time.perf_counter()
            cursor.execute(statement, parameters)
            print(
                f"{cursor.rowcount:>10,} {name} in {time.perf_counter() - began:.0f} s", flush=True
            )
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
    listed = "/admin/memories/memory/"

    def memories(**query: Any) -> str:
        return f"{listed}?{urlencode(query)}"

    return {
        FRONT_PAGE: "/admin/",
        "memories": listed,
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
        "a rare word of everybody": memories(q="w19001"),
        "a common word of everybody": memories(q="w1"),
        "two words of everybody": memories(q="w5 w600"),
        "a question to a small user": memories(q="w50 w600 w1700", user=small.pk),
        "a question to a large user": memories(q="w50 w600 w1700", user=large.pk),
        "a memory": f"{listed}{memory.pk}/change/",
        "categories": "/admin/memories/category/",
        "a merge": f"/admin/memories/category/merge/?id={common.pk}&id={rare.pk}",
        "archive policies": "/admin/memories/archivepolicy/",
        "an archive policy": f"/admin/memories/archivepolicy/{policy.pk}/change/",
        "embedding spaces": "/admin/memories/embeddingspace/",
        "an embedding space": "/admin/memories/embeddingspace/"
        f"{EmbeddingSpace.objects.current().pk}/change/",
    }


def print_pages(found: dict[str, str]) -> None:
    from django.test import Client

    from accounts.models import User

    browser = Client(raise_request_exception=False, SERVER_NAME="127.0.0.1")
    browser.force_login(User.objects.create_superuser("root", "a password"))
    print("\n| page | takes | statements | of it in SQL | in the longest | |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, address in found.items():
        opened = [_opened(browser, address) for _ in range(ROUNDS + 1)][1:]
        takes, statements, sql, longest = (median(figure) for figure in zip(*opened, strict=True))
        late = "**late**" if takes > WORST.get(name, WORST_MILLISECONDS) else ""
        many = "**many**" if statements > MOST_STATEMENTS else ""
        print(
            f"| {name} | {takes:.0f} ms | {statements:.0f} | {sql / takes:.0%}"
            f" | {longest / takes:.0%} | {late} {many} |",
            flush=True,
        )


def _opened(browser: Any, address: str) -> Any:
    from django.core.cache import caches
    from django.db import connection

    caches["circuits"].clear()  # where the front page keeps what it has gathered for a minute
    times: list[float] = []

    def timed(execute: Callable[..., Any], *arguments: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(*arguments)
        finally:
            times.append(1000 * (time.perf_counter() - began))

    began = time.perf_counter()
    with connection.execute_wrapper(timed):
        answer = browser.get(address)
    takes = 1000 * (time.perf_counter() - began)
    if answer.status_code != 200:
        raise SystemExit(f"{address} answered {answer.status_code}")
    return takes, len(times), sum(times), max(times)


def print_merge() -> None:
    from memories.categories.merge import merge_categories
    from memories.models import Category

    categories = list(Category.objects.filter(name__startswith="category").order_by("name"))
    began = time.perf_counter()
    merged = merge_categories([one.pk for one in categories], into=categories[-1].pk)
    seconds = time.perf_counter() - began
    print(f"\n{merged.moved:,} memories of 59 categories merged into one in {seconds:.1f} s")


if __name__ == "__main__":
    main()
