"""What an export and an import cost, as ratios to COPY of the same rows, and whom they hold up.

    python benchmarks/backup.py [--parts copy,embedding,beside]
        [--sizes 10000,100000] [--rounds 3] [--embedding 2000] [--beside 100000]

Starts a server in a scratch folder, with users whose memories are in categories and have a history.
They get no index of their own, as who restores has none: a job makes it afterwards.
"""

from __future__ import annotations

import argparse
import gzip
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import requests
from api import embedder, stocked, timed
from live_server import Server, own_server, use_django
from sample_data import Writer, settle

from manage import CATEGORISED

PIECE = 256 * 1024
LATER = {"Prefer": "respond-async"}

# The tables that an archive has rows of, and which of them are a user's; in the order in which
# they can be filled.
OF_USER = "IN (SELECT id FROM memories_memory WHERE user_id = %(user)s)"
TABLES = {
    "apps_registry_app": "owner_id = %(user)s",
    "memories_memory": "user_id = %(user)s",
    "memories_categorization": "user_id = %(user)s",
    "memories_statechange": f"memory_id {OF_USER}",
    "memories_embedding": "user_id = %(user)s",
}

BEGAN = """
INSERT INTO memories_statechange
    (memory_id, old_state, new_state, changed_by_id, changed_at, reason)
SELECT id, '', state, user_id, created_at, '' FROM memories_memory WHERE user_id = %(user)s
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--parts", default="copy,embedding,beside")
    parser.add_argument("--sizes", default="10000,100000", help="memories, for copy")
    parser.add_argument(
        "--rounds", type=int, default=3, help="for copy, of which the median counts"
    )
    parser.add_argument("--embedding", type=int, default=2_000, help="memories, for embedding")
    parser.add_argument("--beside", type=int, default=100_000, help="memories, for beside")
    given = parser.parse_args()
    parts = given.parts.split(",")
    os.environ["OPENMEMORY_EXACT_SEARCH_LIMIT"] = "10000000"
    with own_server() as server, TemporaryDirectory() as folder:
        use_django()
        if "copy" in parts:
            sizes = [int(size) for size in given.sizes.split(",")]
            compare_with_copy(server, sizes, given.rounds, Path(folder))
        if "embedding" in parts:
            compare_with_embedder(server, given.embedding, Path(folder))
        if "beside" in parts:
            compare_requests_beside(server, given.beside, Path(folder))


def user_with(server: Server, size: int) -> Any:
    """A user of so many memories, each in a category and with a beginning."""
    from accounts.models import User
    from memories.models import Category
    from memories.taxonomy import BUILT_IN_CATEGORIES

    name, _ = stocked(server, [size])[size]
    user = User.objects.get(user_id=name)
    Category.objects.get_or_create_many([category.name for category in BUILT_IN_CATEGORIES])
    execute(CATEGORISED, user)
    execute(BEGAN, user)
    settle()
    return user


def execute(statement: str, user: Any) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement, {"user": user.pk})


# --- COPY ------------------------------------------------------------------------------------


def compare_with_copy(server: Server, sizes: Sequence[int], rounds: int, folder: Path) -> None:
    rows, of_a_memory = [], []
    for size in sizes:
        user = user_with(server, size)
        taken = [compare_export(user, rounds, folder), compare_import(user, rounds, folder)]
        of_a_memory.append([took / size for _, took in taken])
        figures = " | ".join(f"{a:.0f} ms | {b:.0f} ms | **{b / a:.2f}**" for a, b in taken)
        rows.append(f"| {size} | {figures} |")
    print("\n| memories | COPY, gzipped | export | ratio | COPY back | import | ratio |")
    print("\n".join(["| --- |" + " --- |" * 6, *rows]))
    if len(sizes) > 1:
        out, into = (b / a for a, b in zip(of_a_memory[0], of_a_memory[-1], strict=True))
        print(f"\nFrom {sizes[0]} to {sizes[-1]} memories, the time that each takes grows by")
        print(f"**{out:.2f}** in an export and by **{into:.2f}** in an import.")


def compare_export(user: Any, rounds: int, folder: Path) -> tuple[float, float]:
    """Time COPY to a compressed file, as text or as binary, whichever is faster, and an export."""
    copies, exports = [], []
    for _ in range(rounds):
        as_text = timed(lambda: copy_out(user, folder, "text"))
        copies.append(min(as_text, timed(lambda: copy_out(user, folder, "binary"))))
        exports.append(timed(lambda: export_to(user, folder / "archive.zip")))
    return median(copies), median(exports)


def compare_import(user: Any, rounds: int, folder: Path) -> tuple[float, float]:
    """Time COPY of the rows into the tables that they were deleted from, and an import of them."""
    for table, condition in TABLES.items():
        with (folder / table).open("wb") as file:
            copy_table(user, table, condition, "binary", file)
    copies, imports = [], []
    for _ in range(rounds):
        forget(user)
        copies.append(timed(lambda: copy_back(folder)))
        forget(user)
        imports.append(timed(lambda: import_from(user, folder / "archive.zip")))
    return median(copies), median(imports)


def copy_out(user: Any, folder: Path, how: str) -> None:
    with gzip.open(folder / "copied", "wb", compresslevel=6) as file:
        for table, condition in TABLES.items():
            copy_table(user, table, condition, how, file)


def copy_table(user: Any, table: str, condition: str, how: str, file: Any) -> None:
    from django.db import connection

    statement = f"COPY (SELECT * FROM {table} WHERE {condition}) TO STDOUT (FORMAT {how})"
    with connection.cursor() as cursor, cursor.copy(statement, {"user": user.pk}) as copy:
        gathered = bytearray()
        for piece in copy:
            gathered += piece
            if len(gathered) > PIECE:
                file.write(gathered)
                gathered.clear()
        file.write(gathered)


def copy_back(folder: Path) -> None:
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        for table in TABLES:
            statement = f"COPY {table} FROM STDIN (FORMAT binary)"
            with (folder / table).open("rb") as file, cursor.copy(statement) as copy:
                while piece := file.read(PIECE):
                    copy.write(piece)


def forget(user: Any) -> None:
    """Delete what a user has, but for the user, and clean up behind it."""
    for table, condition in reversed(TABLES.items()):
        execute(f"DELETE FROM {table} WHERE {condition}", user)
    execute(f"VACUUM ANALYZE {', '.join(TABLES)}", user)


def export_to(user: Any, path: Path, *, vectors: bool = True) -> None:
    from backups.export_queries import ExportFilters
    from backups.files import write_archive_file

    write_archive_file(user, path, filters=ExportFilters(vectors=vectors), replace=True)


def import_from(user: Any, path: Path) -> None:
    from backups.importing import Mode, import_archive

    with path.open("rb") as file:
        import_archive(file, user=user, mode=Mode.OVERWRITE, by=user)


# --- Without vectors -------------------------------------------------------------------------


def compare_with_embedder(server: Server, size: int, folder: Path) -> None:
    """An import without vectors ends when the job that makes them does."""
    from memories.models import Memory

    user = user_with(server, size)
    texts = list(Memory.objects.owned_by(user).values_list("content", flat=True))
    export_to(user, folder / "bare.zip", vectors=False)
    forget(user)
    embed_all(texts[:10])  # the first call loads the model
    alone = timed(lambda: embed_all(texts))
    took = timed(lambda: import_and_embed(server, user, folder / "bare.zip"))
    print(f"\nThe embedder alone takes {alone:.0f} ms for {size} texts, an import of them without")
    print(f"vectors {took:.0f} ms until all are there: **{took / alone:.2f}** times as long.")


def embed_all(texts: Sequence[str]) -> None:
    for first in range(0, len(texts), 64):
        embedder().embed_documents(texts[first : first + 64])


def import_and_embed(server: Server, user: Any, path: Path) -> None:
    answer = send_archive(server, user, path).json()
    if answer["job"]:
        wait_for(server, f"{answer['job']}?user_id={user.user_id}")


def send_archive(server: Server, user: Any, path: Path, **headers: str) -> requests.Response:
    with path.open("rb") as file:
        answer = requests.post(
            f"{server.url}/api/v1/backup/import",
            headers={"Authorization": f"Bearer {server.key}", **headers},
            data={"user_id": user.user_id},
            files={"file": file},
            timeout=3600,
        )
    answer.raise_for_status()
    return answer


def wait_for(server: Server, path: str) -> None:
    """Wait until a job has succeeded."""
    client = server.client()
    while (job := client.get(path.removeprefix("/api/v1")))["state"] in ("queued", "running"):
        time.sleep(0.1)
    if job["state"] != "succeeded":
        raise SystemExit(f"The job ended as {job}.")


# --- Other requests meanwhile ----------------------------------------------------------------


def compare_requests_beside(server: Server, size: int, folder: Path) -> None:
    """The median of somebody's searches and lists while others export and import."""
    user = user_with(server, size)
    _, key = stocked(server, [1000])[1000]
    export_to(user, folder / "large.zip")
    reader = Reader(server, key)
    print("\n| meanwhile | median of a request | before and after | ratio |")
    print("| --- | --- | --- | --- |")
    for what, act in {
        f"an export of {size}": lambda: take_archive(server, user),
        f"an export of {size} as a job": lambda: wait_for(
            server, call_export(server, user, **LATER).headers["Location"]
        ),
        f"an import of {size}": lambda: send_archive(server, user, folder / "large.zip"),
        f"an import of {size} as a job": lambda: wait_for(
            server, send_archive(server, user, folder / "large.zip", **LATER).headers["Location"]
        ),
    }.items():
        if "import" in what:
            forget(user)
        # Right before and after it, as other work on the machine comes and goes.
        before = reader.median_during(rest)
        beside = reader.median_during(act)
        alone = (before + reader.median_during(rest)) / 2
        print(f"| {what} | {beside:.1f} ms | {alone:.1f} ms | **{beside / alone:.2f}** |")


def rest() -> None:
    time.sleep(5)


class Reader:
    def __init__(self, server: Server, key: str) -> None:
        self._client = server.client(key)
        self._writer = Writer(seed=11)

    def median_during(self, act: Callable[[], Any]) -> float:
        """The median of its requests, in milliseconds, until that is done."""
        doing = threading.Thread(target=act)
        doing.start()
        taken = []
        while doing.is_alive():
            question = {"query": self._writer.question()}
            taken.append(timed(lambda: self._client.post("/memories/search", question)))  # noqa: B023
            taken.append(timed(lambda: self._client.get("/memories?page_size=50")))
        doing.join()
        return median(taken)


def take_archive(server: Server, user: Any) -> None:
    for _ in call_export(server, user).iter_content(PIECE):
        pass


def call_export(server: Server, user: Any, **headers: str) -> requests.Response:
    answer = requests.post(
        f"{server.url}/api/v1/backup/export",
        headers={"Authorization": f"Bearer {server.key}", **headers},
        json={"user_id": user.user_id},
        stream=True,
        timeout=3600,
    )
    answer.raise_for_status()
    return answer


if __name__ == "__main__":
    main()
