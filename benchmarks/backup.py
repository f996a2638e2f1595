"""What an export and an import cost, as ratios to COPY of the same rows, and what they hold up.

    python benchmarks/backup.py [--parts export,import,embedding,beside,memory]
        [--sizes 10000,100000] [--beside 100000] [--memory 1000000]

Starts a server in a scratch folder, with a user of each size whose memories are in categories.
"""

from __future__ import annotations

import argparse
import gzip
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from api import embedder, stocked, timed
from managing import put_in_use
from served import CHECKOUT, Server, own_server, use_django
from stocking import Writer, settle

ROUNDS = 5

# The tables that an archive has the rows of: what is in each of a user.
TABLES = {
    "apps_registry_app": "owner_id = %(user)s",
    "memories_memory": "user_id = %(user)s",
    "memories_categorization": "user_id = %(user)s",
    "memories_statechange": "memory_id IN (SELECT id FROM memories_memory WHERE user_id = %(user)s)",
    "memories_embedding": "user_id = %(user)s",
}

BEGAN = """
INSERT INTO memories_statechange (memory_id, old_state, new_state, changed_by_id, changed_at, reason)
SELECT id, '', state, user_id, created_at, '' FROM memories_memory WHERE user_id = %(user)s
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--parts", default="export,import,embedding,beside,memory")
    parser.add_argument("--sizes", default="10000,100000", help="memories of each user")
    parser.add_argument("--beside", type=int, default=100_000, help="memories of who is in the way")
    parser.add_argument("--memory", type=int, default=1_000_000, help="memories of the largest user")
    given = parser.parse_args()
    sizes = [int(size) for size in given.sizes.split(",")]
    parts = given.parts.split(",")
    with own_server() as server:
        use_django()
        if "export" in parts:
            compare_exports([user_with(server, size) for size in sizes], sizes)


def user_with(server: Server, size: int) -> Any:
    from accounts.models import User
    from django.db import connection

    name, _ = stocked(server, [size])[size]
    user = User.objects.get(user_id=name)
    put_in_use(user)
    with connection.cursor() as cursor:
        cursor.execute(BEGAN, {"user": user.pk})
        cursor.execute("VACUUM ANALYZE")
    return user


# --- Exports ---------------------------------------------------------------------------------


def compare_exports(users: Sequence[Any], sizes: Sequence[int]) -> None:
    print("\n| memories | COPY, gzipped | export | ratio | bytes copied | bytes of the archive |")
    print("| --- | --- | --- | --- | --- | --- |")
    taken = []
    for user, size in zip(users, sizes, strict=True):
        with tempfile.TemporaryDirectory() as folder:
            copied, exported = [], []
            for _ in range(ROUNDS):
                copied.append(min(timed(lambda: copy_out(user, folder, how)) for how in ("text", "binary")))
                exported.append(timed(lambda: export_to(user, f"{folder}/archive.zip")))
            copy, export = median(copied), median(exported)
            taken.append(export / size)
            print(
                f"| {size} | {copy:.0f} ms | {export:.0f} ms | **{export / copy:.2f}**"
                f" | {Path(folder, 'copied').stat().st_size:,} | {Path(folder, 'archive.zip').stat().st_size:,} |"
            )
    if len(taken) > 1:
        print(f"\nThe time of a memory grows by **{taken[-1] / taken[0]:.2f}**.")


def copy_out(user: Any, folder: str, how: str) -> None:
    """COPY the rows to one compressed file."""
    with gzip.open(f"{folder}/copied", "wb", compresslevel=6) as file:
        for table, condition in TABLES.items():
            copy_table(user, table, condition, how, file)


def copy_table(user: Any, table: str, condition: str, how: str, file: Any) -> None:
    from django.db import connection

    statement = f"COPY (SELECT * FROM {table} WHERE {condition}) TO STDOUT (FORMAT {how})"
    with connection.cursor() as cursor, cursor.copy(statement, {"user": user.pk}) as copy:
        gathered, size = [], 0
        for piece in copy:
            gathered.append(bytes(piece))
            size += len(piece)
            if size > 256 * 1024:
                file.write(b"".join(gathered))
                gathered, size = [], 0
        file.write(b"".join(gathered))


def export_to(user: Any, path: str) -> None:
    from backups.exporting import export
    from backups.selecting import Part

    with open(path, "wb") as target:
        export(user, target, part=Part())


if __name__ == "__main__":
    main()
