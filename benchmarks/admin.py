"""What the pages of the admin cost: their time and their statements, with few memories and many.

    python benchmarks/admin.py [--sizes 10000,1000000] [--most 0.5]

Starts a server in a scratch folder and fills its tables with made-up memories by statements of SQL.
The pages are asked for inside this process, as an operator who is signed in. A front page is
measured as it is when nobody has looked for a minute. Ends with 1 when a list takes longer than
`--most`, or the front page longer than twice that, or more than 15 statements.
"""

from __future__ import annotations

import argparse
import time
from statistics import median
from typing import Any

from served import own_server, use_django
from stocking import settle

ROUNDS = 7
STATEMENTS = 15

USERS = """
INSERT INTO accounts_user (id, password, is_superuser, user_id, name, email, metadata, is_staff,
    is_active, created_at, updated_at)
SELECT gen_random_uuid(), '!', false, 'user-' || number, '', '', '{}', false, true, now(), now()
FROM generate_series(%(first)s, %(last)s) AS number
"""

APPS = """
INSERT INTO apps_registry_app (id, owner_id, name, description, metadata, is_active,
    memories_read, created_at, updated_at)
SELECT gen_random_uuid(), id, name, '', '{}', true, 0, now(), now()
FROM accounts_user, unnest(ARRAY['notes', 'coder', 'calendar', 'mail']) AS name
ON CONFLICT DO NOTHING
"""

# Of an unevenness that people's have: some have a hundred times as many as others.
MEMORIES = """
WITH apps AS MATERIALIZED (
    SELECT id, owner_id, row_number() OVER (ORDER BY id) AS number FROM apps_registry_app
), texts AS MATERIALIZED (
    SELECT number, 1 + floor(random() ^ 3 * (SELECT count(*) FROM apps))::bigint AS app,
        'A made-up memory of the day ' || number || ', to take as much room as others do, '
        || md5(number::text) || ' ' || md5(number::text || 'x') AS content,
        now() - random() ^ 2 * interval '400 days' AS at
    FROM generate_series(%(first)s, %(last)s) AS number
)
INSERT INTO memories_memory (id, user_id, app_id, content, metadata, state, state_changed_at,
    fingerprint, words, created_at, updated_at)
SELECT gen_random_uuid(), apps.owner_id, apps.id, content, '{}',
    (ARRAY['active', 'active', 'active', 'active', 'active', 'active', 'active', 'paused',
           'archived', 'deleted'])[1 + floor(random() * 10)],
    at, sha256(content::bytea), to_tsvector('english', content), at, at
FROM texts JOIN apps ON apps.number = texts.app
"""

CATEGORIES = """
INSERT INTO memories_category (id, name, description, created_at, updated_at)
SELECT gen_random_uuid(), 'theme ' || number, '', now(), now()
FROM generate_series(1, 24) AS number ON CONFLICT DO NOTHING
"""

CATEGORIZATIONS = """
WITH categories AS MATERIALIZED (
    SELECT id, row_number() OVER (ORDER BY name) AS number FROM memories_category
)
INSERT INTO memories_categorization (memory_id, category_id, user_id)
SELECT memory.id, categories.id, memory.user_id
FROM (SELECT id, user_id, 1 + floor(24 * random() ^ 2)::bigint AS theme
      FROM memories_memory) AS memory
JOIN categories ON categories.number = memory.theme
ON CONFLICT DO NOTHING
"""

EMBEDDINGS = """
INSERT INTO memories_embedding (memory_id, user_id, space_id, vector)
SELECT memory.id, memory.user_id, space.id, (SELECT array_agg(0.05) FROM generate_series(1, 384))::real[]::halfvec
FROM memories_memory AS memory, memories_embeddingspace AS space
WHERE space.state = 'active' AND NOT EXISTS (
    SELECT FROM memories_embedding WHERE memory_id = memory.id)
"""  # noqa: E501

JOBS = """
INSERT INTO jobs_job (id, owner_id, app_name, kind, once, parameters, state, done, attempts,
    run_after, cancel_requested, upload, download, download_name, created_at, started_at,
    finished_at, trace)
SELECT gen_random_uuid(), owner_id, '', 'export', '', '{}', 'succeeded', 1, 1, at, false, '', '',
    '', at, at, at, ''
FROM (SELECT id AS owner_id, now() - random() * interval '30 days' AS at FROM accounts_user) AS some
"""

STATE_CHANGES = """
INSERT INTO memories_statechange (memory_id, old_state, new_state, changed_at, reason)
SELECT id, '', 'active', created_at, '' FROM memories_memory AS memory
WHERE NOT EXISTS (SELECT FROM memories_statechange WHERE memory_id = memory.id)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", default="10000,1000000", help="memories in all")
    parser.add_argument("--most", type=float, default=0.5, help="seconds that a list may take")
    options = parser.parse_args()
    sizes = sorted(int(size) for size in options.sizes.split(","))
    with own_server():
        use_django()
        measured: dict[int, dict[str, tuple[float, int]]] = {}
        stocked = 0
        for size in sizes:
            began = time.perf_counter()
            stock(stocked + 1, size)
            stocked = size
            print(f"{size:,} memories put down in {time.perf_counter() - began:.0f} s")
            measured[size] = measure()
    raise SystemExit(tell(measured, options.most))


def stock(first: int, last: int) -> None:
    from django.db import connection

    users = {"first": first // 100 + 1, "last": last // 100}
    memories = {"first": first, "last": last}
    with connection.cursor() as cursor:
        cursor.execute(USERS, users)
        for statement in (APPS, CATEGORIES):
            cursor.execute(statement)
        cursor.execute(MEMORIES, memories)
        for statement in (CATEGORIZATIONS, EMBEDDINGS, STATE_CHANGES, JOBS):
            cursor.execute(statement)
    settle()


def measure() -> dict[str, tuple[float, int]]:
    """The median of some rounds, in seconds, and the statements of each page."""
    from django.core.cache import caches
    from django.test import Client

    from accounts.models import User

    operator = User.objects.filter(is_superuser=True).first()
    client = Client()
    client.force_login(operator)
    times: dict[str, list[float]] = {}
    statements: dict[str, int] = {}
    for _ in range(ROUNDS):
        for name, address in pages().items():
            caches["circuits"].delete("front_page")
            seconds, asked = _ask(client, address)
            times.setdefault(name, []).append(seconds)
            statements[name] = asked
    return {name: (median(taken), statements[name]) for name, taken in times.items()}


def pages() -> dict[str, str]:
    from django.contrib import admin
    from django.urls import reverse

    found = {"front page": reverse("admin:index")}
    for page in admin.site._registry.values():
        name = f"{page.opts.app_label}_{page.opts.model_name}"
        found[name] = reverse(f"admin:{name}_changelist")
    return found


def _ask(client: Any, address: str) -> tuple[float, int]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    began = time.perf_counter()
    with CaptureQueriesContext(connection) as asked:
        answer = client.get(address)
    if answer.status_code != 200:
        raise SystemExit(f"{address} answered {answer.status_code}")
    return time.perf_counter() - began, len(asked)


def tell(measured: dict[int, dict[str, tuple[float, int]]], most: float) -> int:
    few, many = min(measured), max(measured)
    print(f"\n{'':<34}{few:>12,}{many:>12,}   ratio   statements")
    wrong = 0
    for name, (seconds, statements) in measured[many].items():
        before = measured[few][name][0]
        bound = 2 * most if name == "front page" else most
        bad = seconds > bound or (statements > STATEMENTS and name != "front page")
        wrong |= bad
        print(
            f"{name:<34}{before * 1000:>9.0f} ms{seconds * 1000:>9.0f} ms"
            f"{seconds / before:>8.1f}{statements:>10}{'   TOO MUCH' if bad else ''}"
        )
    return int(wrong)


if __name__ == "__main__":
    main()
