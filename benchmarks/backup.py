"""The cost of an export and an import, as ratios to COPY, and how they slow other requests.

    python benchmarks/backup.py [--parts copy,embedding,beside]
        [--sizes 10000,100000] [--rounds 3] [--embedding 2000] [--beside 100000]

Starts a server in a scratch folder, with users whose memories have categories and a history. They
get no vector index, as a job builds it only after an import.
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
from api import create_users, embedder
from live_server import Server, own_server, setup_django
from measurement import milliseconds
from sample_data import Writer, categorize, vacuum_analyze

CHUNK_BYTES = 256 * 1024
AS_JOB = {"Prefer": "respond-async"}

# The tables of an archive, each with the condition for a user's rows, in the order of their foreign
# keys.
OF_USER = "IN (SELECT id FROM memories_memory WHERE user_id = %(user)s)"
TABLES = {
    "apps_registry_app": "owner_id = %(user)s",
    "memories_memory": "user_id = %(user)s",
    "memories_categorization": "user_id = %(user)s",
    "memories_statechange": f"memory_id {OF_USER}",
    "memories_embedding": "user_id = %(user)s",
}

INITIAL_STATES = """
INSERT INTO memories_statechange
    (memory_id, old_state, new_state, changed_by_id, changed_at, reason)
SELECT id, '', state, user_id, created_at, '' FROM memories_memory WHERE user_id = %(user)s
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--parts", default="copy,embedding,beside")
    parser.add_argument("--sizes", default="10000,100000", help="memories, for copy")
    parser.add_argument("--rounds", type=int, default=3, help="for copy: the median counts")
    parser.add_argument("--embedding", type=int, default=2_000, help="memories, for embedding")
    parser.add_argument("--beside", type=int, default=100_000, help="memories, for beside")
    options = parser.parse_args()
    parts = options.parts.split(",")
    os.environ["OPENMEMORY_EXACT_SEARCH_LIMIT"] = "10000000"
    with own_server() as server, TemporaryDirectory() as folder:
        setup_django()
        if "copy" in parts:
            sizes = [int(size) for size in options.sizes.split(",")]
            compare_with_copy(server, sizes, options.rounds, Path(folder))
        if "embedding" in parts:
            compare_with_embedder(server, options.embedding, Path(folder))
        if "beside" in parts:
            compare_requests_beside(server, options.beside, Path(folder))


def create_user(server: Server, size: int) -> Any:
    """Create a user with this many memories, each with a category and a history."""
    from accounts.models import User

    name, _ = create_users(server, [size])[size]
    user = User.objects.get(user_id=name)
    categorize(user)
    execute(INITIAL_STATES, user)
    vacuum_analyze()
    return user


def execute(statement: str, user: Any) -> None:
    from core import sql

    sql.execute(statement, {"user": user.pk})


# --- COPY ------------------------------------------------------------------------------------


def compare_with_copy(server: Server, sizes: Sequence[int], rounds: int, folder: Path) -> None:
    rows, times_per_memory = [], []
    for size in sizes:
        user = create_user(server, size)
        pairs = [compare_export(user, rounds, folder), compare_import(user, rounds, folder)]
        times_per_memory.append([archive / size for _, archive in pairs])
        columns = " | ".join(
            f"{copy:.0f} ms | {archive:.0f} ms | **{archive / copy:.2f}**"
            for copy, archive in pairs
        )
        rows.append(f"| {size} | {columns} |")
    print("\n| memories | COPY, gzipped | export | ratio | COPY back | import | ratio |")
    print("\n".join(["| --- |" + " --- |" * 6, *rows]))
    if len(sizes) > 1:
        smallest, largest = times_per_memory[0], times_per_memory[-1]
        exports, imports = (b / a for a, b in zip(smallest, largest, strict=True))
        print(f"\nFrom {sizes[0]} to {sizes[-1]} memories, the time per memory grows by")
        print(f"**{exports:.2f}** in an export and by **{imports:.2f}** in an import.")


def compare_export(user: Any, rounds: int, folder: Path) -> tuple[float, float]:
    """Time COPY to a compressed file, in the faster of text and binary, and an export."""
    copies, exports = [], []
    for _ in range(rounds):
        as_text = milliseconds(lambda: copy_out(user, folder, "text"))
        copies.append(min(as_text, milliseconds(lambda: copy_out(user, folder, "binary"))))
        exports.append(milliseconds(lambda: export_to(user, folder / "archive.zip")))
    return median(copies), median(exports)


def compare_import(user: Any, rounds: int, folder: Path) -> tuple[float, float]:
    """Time COPY of the deleted rows back into their tables, and an import of them."""
    for table, condition in TABLES.items():
        with (folder / table).open("wb") as file:
            copy_table(user, table, condition, "binary", file)
    copies, imports = [], []
    for _ in range(rounds):
        delete_rows(user)
        copies.append(milliseconds(lambda: copy_back(folder)))
        delete_rows(user)
        imports.append(milliseconds(lambda: import_from(user, folder / "archive.zip")))
    return median(copies), median(imports)


def copy_out(user: Any, folder: Path, file_format: str) -> None:
    with gzip.open(folder / "copied", "wb", compresslevel=6) as file:
        for table, condition in TABLES.items():
            copy_table(user, table, condition, file_format, file)


def copy_table(user: Any, table: str, condition: str, file_format: str, file: Any) -> None:
    from django.db import connection

    rows = f"SELECT * FROM {table} WHERE {condition}"
    statement = f"COPY ({rows}) TO STDOUT (FORMAT {file_format})"
    with connection.cursor() as cursor, cursor.copy(statement, {"user": user.pk}) as copy:
        buffer = bytearray()
        for chunk in copy:
            buffer += chunk
            if len(buffer) > CHUNK_BYTES:
                file.write(buffer)
                buffer.clear()
        file.write(buffer)


def copy_back(folder: Path) -> None:
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        for table in TABLES:
            statement = f"COPY {table} FROM STDIN (FORMAT binary)"
            with (folder / table).open("rb") as file, cursor.copy(statement) as copy:
                while chunk := file.read(CHUNK_BYTES):
                    copy.write(chunk)


def delete_rows(user: Any) -> None:
    """Delete the rows of a user, but not the user, and vacuum."""
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
    """An import without vectors is complete when its embedding job is."""
    from memories.models import Memory

    user = create_user(server, size)
    texts = list(Memory.objects.owned_by(user).values_list("content", flat=True))
    export_to(user, folder / "bare.zip", vectors=False)
    delete_rows(user)
    embed_all(texts[:10])  # the first call loads the model
    embedding = milliseconds(lambda: embed_all(texts))
    importing = milliseconds(lambda: import_and_embed(server, user, folder / "bare.zip"))
    print(
        f"\nThe embedder alone takes {embedding:.0f} ms for {size} texts; an import without vectors"
    )
    ratio = f"**{importing / embedding:.2f}**"
    print(f"takes {importing:.0f} ms until all are embedded: {ratio} times as long.")


def embed_all(texts: Sequence[str]) -> None:
    for first in range(0, len(texts), 64):
        embedder().embed_documents(texts[first : first + 64])


def import_and_embed(server: Server, user: Any, path: Path) -> None:
    body = send_archive(server, user, path).json()
    if body["job"]:
        wait_for_job(server, f"{body['job']}?user_id={user.user_id}")


def send_archive(server: Server, user: Any, path: Path, **headers: str) -> requests.Response:
    with path.open("rb") as file:
        response = requests.post(
            f"{server.url}/api/v1/backup/import",
            headers={"Authorization": f"Bearer {server.key}", **headers},
            data={"user_id": user.user_id},
            files={"file": file},
            timeout=3600,
        )
    response.raise_for_status()
    return response


def wait_for_job(server: Server, path: str) -> None:
    """Wait until a job has succeeded."""
    client = server.client()
    while (job := client.get(path.removeprefix("/api/v1")))["state"] in ("queued", "running"):
        time.sleep(0.1)
    if job["state"] != "succeeded":
        raise SystemExit(f"The job did not succeed: {job}")


# --- Other requests --------------------------------------------------------------------------


def compare_requests_beside(server: Server, size: int, folder: Path) -> None:
    """The median of a user's searches and lists during an export or import of another user."""
    user = create_user(server, size)
    _, key = create_users(server, [1000])[1000]
    export_to(user, folder / "large.zip")
    reader = TimedReader(server, key)
    print("\n| during | median of a request | before and after | ratio |")
    print("| --- | --- | --- | --- |")
    for name, call in {
        f"an export of {size}": lambda: download_archive(server, user),
        f"an export of {size} as a job": lambda: wait_for_job(
            server, call_export(server, user, **AS_JOB).headers["Location"]
        ),
        f"an import of {size}": lambda: send_archive(server, user, folder / "large.zip"),
        f"an import of {size} as a job": lambda: wait_for_job(
            server, send_archive(server, user, folder / "large.zip", **AS_JOB).headers["Location"]
        ),
    }.items():
        if "import" in name:
            delete_rows(user)
        # Right before and after, as other load on the machine comes and goes.
        before = reader.median_during(rest)
        during = reader.median_during(call)
        idle = (before + reader.median_during(rest)) / 2
        print(f"| {name} | {during:.1f} ms | {idle:.1f} ms | **{during / idle:.2f}** |")


def rest() -> None:
    time.sleep(5)


class TimedReader:
    def __init__(self, server: Server, key: str) -> None:
        self._client = server.client(key)
        self._writer = Writer(seed=11)

    def median_during(self, call: Callable[[], Any]) -> float:
        """The median of its requests, in milliseconds, while a call runs."""
        thread = threading.Thread(target=call)
        thread.start()
        times = []
        while thread.is_alive():
            body = {"query": self._writer.question()}
            times.append(milliseconds(lambda: self._client.post("/memories/search", body)))  # noqa: B023
            times.append(milliseconds(lambda: self._client.get("/memories?page_size=50")))
        thread.join()
        return median(times)


def download_archive(server: Server, user: Any) -> None:
    for _ in call_export(server, user).iter_content(CHUNK_BYTES):
        pass


def call_export(server: Server, user: Any, **headers: str) -> requests.Response:
    response = requests.post(
        f"{server.url}/api/v1/backup/export",
        headers={"Authorization": f"Bearer {server.key}", **headers},
        json={"user_id": user.user_id},
        stream=True,
        timeout=3600,
    )
    response.raise_for_status()
    return response


if __name__ == "__main__":
    main()
