"""How much memory and disk an export and an import of very many memories take.

    python benchmarks/backup_memory.py [--size 1000000]

Starts a server in a scratch folder, with a user of so many memories, which have no vectors: those
take longer to make than all the rest.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
from backup import BEGAN, execute, forget
from live_server import CHECKOUT, Server, own_server, use_django
from sample_data import settle

from manage import CATEGORISED

MEGABYTE = 1024 * 1024

# The server's files that do not stay, PostgreSQL's, and its temporary tables.
PASSING = ("scratch/**/*", "jobs/**/*", "postgres/**/pgsql_tmp/**/*", "postgres/**/base/*/t*_*")

# Sentences of some hundred characters, of which no two are alike.
STOCKED = """
INSERT INTO memories_memory (
    id, user_id, app_id, content, metadata, state, state_changed_at, fingerprint, words,
    created_at, updated_at
)
SELECT gen_random_uuid(), %(user)s, app.id, content, jsonb_build_object('number', number),
    'active', moment, sha256(convert_to(lower(content), 'UTF8')),
    strip(to_tsvector('english', content)), moment, moment
FROM apps_registry_app AS app, generate_series(1, %(size)s) AS number,
    LATERAL (SELECT timestamptz '2020-01-01 UTC' + number * interval '1 minute' AS moment,
        'On day ' || number || ' we talked about ' || md5(number::text) || ' and the trip to '
        || md5((-number)::text) || ', which was long.' AS content) AS written
WHERE app.owner_id = %(user)s
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size", type=int, default=1_000_000, help="memories of the user")
    size = parser.parse_args().size
    with own_server() as server, TemporaryDirectory() as folder:
        use_django()
        measure(server, size, Path(folder))


def user_with(server: Server, size: int) -> Any:
    from django.db import connection

    from accounts.models import User
    from apps_registry.models import App
    from memories.models import Category
    from memories.taxonomy import BUILT_IN_CATEGORIES

    server.new_user("with-many")
    user = User.objects.get(user_id="with-many")
    App.objects.create(owner=user, name="benchmark")
    Category.objects.get_or_create_many([category.name for category in BUILT_IN_CATEGORIES])
    with connection.cursor() as cursor:
        cursor.execute(STOCKED, {"user": user.pk, "size": size})
    execute(CATEGORISED, user)
    execute(BEGAN, user)
    settle()
    return user


def measure(server: Server, size: int, folder: Path) -> None:
    """What the commands take at most beyond what they take for a user who has nothing."""
    server.new_user("with-nothing")
    user = user_with(server, size)
    archive, empty = folder / "largest.zip", folder / "empty.zip"
    bare = ("--no-vectors", "--quiet")
    idle = peak_of("export_backup", "with-nothing", "-o", str(empty), *bare)
    exporting = peak_of("export_backup", user.user_id, "-o", str(archive), *bare)
    print(f"\n| {size} memories, without vectors | most memory above idle | most disk / archive |")
    print("| --- | --- | --- |")
    print(row_of_memory("export", idle, exporting, archive))
    forget(user)
    idle = peak_of("import_backup", str(empty), "--user", "with-nothing", "--quiet")
    importing = peak_of("import_backup", str(archive), "--user", user.user_id, "--quiet")
    print(row_of_memory("import", idle, importing, archive))


def row_of_memory(what: str, idle: tuple[int, int], busy: tuple[int, int], archive: Path) -> str:
    memory, disk = (busy[0] - idle[0]) / MEGABYTE, busy[1] / archive.stat().st_size
    return f"| {what} | **{memory:.0f} MB** | **{disk:.2f}** |"


def peak_of(*command: str) -> tuple[int, int]:
    """Run a command: the bytes of memory and, beside the tables, of disk that it took at most."""
    with watched_disk() as disk:
        process = subprocess.Popen([sys.executable, "manage.py", *command], cwd=CHECKOUT)
        running, memory = psutil.Process(process.pid), 0
        while process.poll() is None:
            try:
                memory = max(memory, running.memory_info().rss)
            except psutil.NoSuchProcess:
                break
            time.sleep(0.02)
    if process.wait():
        raise SystemExit(f"{command} failed.")
    return memory, disk[0]


@contextmanager
def watched_disk() -> Iterator[list[int]]:
    """Watch what is there for a while only: the most bytes it had."""
    from django.conf import settings

    most, over = [0], threading.Event()

    def watch() -> None:
        while not over.wait(0.2):
            paths = [path for pattern in PASSING for path in settings.STATE_DIR.glob(pattern)]
            most[0] = max(most[0], sum(map(size_of, paths)))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield most
    finally:
        over.set()
        thread.join()


def size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


if __name__ == "__main__":
    main()
