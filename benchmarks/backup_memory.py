"""Peak memory and disk of an export and an import of very many memories.

    python benchmarks/backup_memory.py [--size 1000000]

Starts a server in a scratch folder, with a user of this many memories. They have no vectors, which
would take longer than all the rest.
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
from backup import INITIAL_STATES, delete_rows, execute
from live_server import CHECKOUT, Server, own_server, setup_django
from sample_data import categorize, vacuum_analyze

MEGABYTE = 1024 * 1024

# Temporary files of the server and of PostgreSQL, and temporary tables.
TEMPORARY = ("scratch/**/*", "jobs/**/*", "postgres/**/pgsql_tmp/**/*", "postgres/**/base/*/t*_*")

# Distinct sentences of about a hundred characters.
INSERT_MEMORIES = """
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
        setup_django()
        measure(server, size, Path(folder))


def create_user(server: Server, size: int) -> Any:
    from accounts.models import User
    from apps_registry.models import App
    from core import sql

    server.new_user("with-many")
    user = User.objects.get(user_id="with-many")
    App.objects.create(owner=user, name="benchmark")
    sql.execute(INSERT_MEMORIES, {"user": user.pk, "size": size})
    categorize(user)
    execute(INITIAL_STATES, user)
    vacuum_analyze()
    return user


def measure(server: Server, size: int, folder: Path) -> None:
    """Compare the peaks of the commands with those for a user without memories."""
    server.new_user("with-nothing")
    user = create_user(server, size)
    archive, empty = folder / "largest.zip", folder / "empty.zip"
    bare = ("--no-vectors", "--quiet")
    idle = peak_of("export_backup", "with-nothing", "-o", str(empty), *bare)
    exporting = peak_of("export_backup", user.user_id, "-o", str(archive), *bare)
    print(f"\n| {size} memories, without vectors | peak memory above idle | peak disk / archive |")
    print("| --- | --- | --- |")
    print(table_row("export", idle, exporting, archive))
    delete_rows(user)
    idle = peak_of("import_backup", str(empty), "--user", "with-nothing", "--quiet")
    importing = peak_of("import_backup", str(archive), "--user", user.user_id, "--quiet")
    print(table_row("import", idle, importing, archive))


def table_row(name: str, idle: tuple[int, int], busy: tuple[int, int], archive: Path) -> str:
    memory, disk = (busy[0] - idle[0]) / MEGABYTE, busy[1] / archive.stat().st_size
    return f"| {name} | **{memory:.0f} MB** | **{disk:.2f}** |"


def peak_of(*command: str) -> tuple[int, int]:
    """Run a command, and return the peak bytes of its memory and of its temporary files."""
    with peak_disk() as disk:
        process = subprocess.Popen([sys.executable, "manage.py", *command], cwd=CHECKOUT)
        observed, memory = psutil.Process(process.pid), 0
        while process.poll() is None:
            try:
                memory = max(memory, observed.memory_info().rss)
            except psutil.NoSuchProcess:
                break
            time.sleep(0.02)
    if process.wait():
        raise SystemExit(f"{command} failed.")
    return memory, disk[0]


@contextmanager
def peak_disk() -> Iterator[list[int]]:
    """Watch the temporary files: the only item is their peak in bytes."""
    from django.conf import settings

    peak, stop = [0], threading.Event()

    def watch() -> None:
        while not stop.wait(0.2):
            paths = [path for pattern in TEMPORARY for path in settings.STATE_DIR.glob(pattern)]
            peak[0] = max(peak[0], sum(map(size_of, paths)))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        stop.set()
        thread.join()


def size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


if __name__ == "__main__":
    main()
