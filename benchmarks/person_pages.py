"""Response times of a person's pages with 100,000 memories, beside those of the API.

    python benchmarks/person_pages.py [--memories 100000]

Creates a database in a scratch folder, fills its tables by SQL, and opens each page in turn.
"""

from __future__ import annotations

import argparse
import time
from statistics import median
from typing import Any

from admin_memories import MIN_MEMORIES, fill, own_database
from measurement import medians, milliseconds

ROUNDS, PAIRS = 7, 40
# The list answers in at most this multiple of the API's time.
MAX_RATIO = 2.0
READINGS_PER_MEMORY = 3
DAYS = 90

READINGS = """
INSERT INTO memories_access (memory_id, app_id, access_type, accessed_at, metadata)
SELECT id, app_id, 'search', now() - random() * %(days)s * interval '1 day', '{}'
FROM memories_memory, generate_series(1, %(times)s)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--memories", type=int, default=100_000, help="of the person")
    options = parser.parse_args()
    if options.memories < MIN_MEMORIES:
        parser.error(f"--memories must be at least {MIN_MEMORIES:,}.")
    with own_database():
        fill(options.memories, options.memories)
        _log_readings()
        _print_pages()


def _log_readings() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(READINGS, {"days": DAYS, "times": READINGS_PER_MEMORY})
        print(f"{cursor.rowcount:>10,} readings")
        cursor.execute("VACUUM ANALYZE memories_access")


def _print_pages() -> None:
    from django.test import Client

    from accounts.models import ApiKey, SignInLink, User
    from apps_registry.models import App
    from memories.models import Memory

    user = User.objects.get(user_id="user1")
    _, secret = ApiKey.objects.issue(user=user)
    api = Client(SERVER_NAME="127.0.0.1", headers={"Authorization": f"Bearer {secret}"})
    browser = Client(SERVER_NAME="127.0.0.1")
    browser.post("/sign-in/link", {"token": SignInLink.objects.issue(user)})
    memory = Memory.objects.filter(user=user, state="active").latest("created_at")
    app = App.objects.filter(owner=user).first()
    api_time, page_time = _compare_lists(api, browser)
    ratio = page_time / api_time
    print(
        f"\nThe list: {page_time:.0f} ms, by the API {api_time:.0f} ms, **{ratio:.2f}**"
        f"{' **slow**' if ratio > MAX_RATIO else ''}"
    )
    print("\n| page | response | statements |\n| --- | --- | --- |")
    for address in (
        "/memories", "/memories?page=200", "/memories?state=archived", f"/memories?app={app.pk}",
        "/memories?q=w50+w600", f"/memories/{memory.pk}", "/apps", f"/apps/{app.pk}", "/log",
        "/reads", "/reads?days=90", f"/reads?app={app.pk}", "/keys", "/data", "/data/erase",
        "/settings",
    ):  # fmt: skip
        time_of_page, statements = _measure(browser, address)
        name = address.replace(str(app.pk), "…").replace(str(memory.pk), "…")
        print(f"| {name} | {time_of_page:.0f} ms | {statements} |")


def _compare_lists(api: Any, browser: Any) -> tuple[float, float]:
    """Open both in turns, so that other programs of the machine slow both down."""

    def pair() -> tuple[float, float]:
        return (
            milliseconds(lambda: api.get("/api/v1/memories?page_size=50")),
            milliseconds(lambda: browser.get("/memories")),
        )

    api_time, page_time = medians([pair() for _ in range(PAIRS)])
    return api_time, page_time


def _measure(client: Any, address: str) -> tuple[float, int]:
    from django.db import connection

    times, statements = [], [0]

    def count(execute: Any, *arguments: Any) -> Any:
        statements[0] += 1
        return execute(*arguments)

    for _ in range(ROUNDS):
        statements[0] = 0
        started = time.perf_counter()
        with connection.execute_wrapper(count):
            response = client.get(address)
        times.append(1000 * (time.perf_counter() - started))
        if response.status_code != 200:
            raise SystemExit(f"{address} returned {response.status_code}")
    return median(times[1:]), statements[0]


if __name__ == "__main__":
    main()
