"""Whether writes that are repeated, or that race, are done once and none is lost.

    python benchmarks/safe_writes.py [--kills 10] [--edits 50]

Starts a server. Twenty clients post the same memory with one idempotency key while the server is
killed, and repeat it until it is acknowledged, again and again. Then eight clients count up a
number in the metadata of one memory, each with the ETag that it has read. Prints how many memories
and answers there were, and how many updates were lost.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import signal
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from kill_anything import RestartableServer
from live_server import scratch_folder

CLIENTS = 20
WRITERS = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--edits", type=int, default=50, help="of each of the eight writers")
    options = parser.parse_args()
    with scratch_folder() as folder:
        server = RestartableServer(Path(folder))
        try:
            server.start()
            server.wait_until_ready()
            print("| kill | clients | ids answered | memories | answers that differ |")
            print("| --- | --- | --- | --- | --- |")
            for number in range(options.kills):
                print_row(server, number, post_while_killed(server, number))
            print_edits(edit_at_once(server, options.edits), options.edits)
        finally:
            server.end()


def post_while_killed(server: RestartableServer, number: int) -> list[dict[str, Any]]:
    """What each client was answered in the end."""
    key, body = str(uuid.uuid4()), {"text": f"The parcel {number} came", "infer": False}
    ready = threading.Barrier(CLIENTS + 1)
    with ThreadPoolExecutor(CLIENTS) as clients:
        posts = [clients.submit(post_until_done, server, key, body, ready) for _ in range(CLIENTS)]
        ready.wait()
        time.sleep(random.random() * 0.3)
        kill(server)
        server.wait_until_ready()
        return [post.result() for post in posts]


def post_until_done(
    server: RestartableServer, key: str, body: dict[str, Any], ready: threading.Barrier
) -> dict[str, Any]:
    ready.wait()
    while True:
        try:
            headers = {"Idempotency-Key": key}
            status, _, answer = send(server, "POST", "/memories", body, **headers)
        except (OSError, http.client.HTTPException):
            time.sleep(0.2)
            continue
        if status == 200:
            return answer
        if status not in (409, 429, 503):
            raise SystemExit(f"POST /memories returned {status}: {answer}")
        time.sleep(0.2)


def kill(server: RestartableServer) -> None:
    """The web server, its workers, the database and all else at once, as when power fails."""
    processes = server.processes()
    for process in processes:
        with suppress(ProcessLookupError):  # ended with its parent
            os.kill(process.pid, signal.SIGKILL)


def print_row(server: RestartableServer, number: int, answers: list[dict[str, Any]]) -> None:
    ids = {answer["id"] for answer in answers}
    texts = {json.dumps(answer, sort_keys=True) for answer in answers}
    _, _, page = send(server, "GET", f"/memories?search_query=parcel%20{number}%20came")
    stored, others = page["total"], len(texts) - 1
    print(f"| {number + 1} | {len(answers)} | {len(ids)} | {stored} | {others} |", flush=True)


def edit_at_once(server: RestartableServer, edits: int) -> tuple[int, int, int]:
    """The number that was counted up to, how often an ETag was stale, and the revisions."""
    body = {"text": "A counter", "metadata": {"n": 0}, "infer": False}
    _, _, memory = send(server, "POST", "/memories", body)
    path = f"/memories/{memory['id']}"
    with ThreadPoolExecutor(WRITERS) as writers:
        stale = sum(writers.map(lambda _: count_up(server, path, edits), range(WRITERS)))
    _, _, counted = send(server, "GET", path)
    _, _, history = send(server, "GET", f"{path}/history?page_size=1")
    return counted["metadata_"]["n"], stale, history["total"]


def count_up(server: RestartableServer, path: str, edits: int) -> int:
    stale = 0
    while edits:
        status, headers, memory = send(server, "GET", path)
        if status != 200:
            raise SystemExit(f"GET returned {status}: {memory}")
        change = {"metadata": {"n": memory["metadata_"]["n"] + 1}}
        status, _, answer = send(server, "PATCH", path, change, **{"If-Match": headers["ETag"]})
        if status not in (200, 412):
            raise SystemExit(f"PATCH returned {status}: {answer}")
        edits, stale = edits - (status == 200), stale + (status == 412)
    return stale


def print_edits(result: tuple[int, int, int], edits: int) -> None:
    counted, stale, history = result
    print("\n| writers | edits | counted | lost updates | stale ETags | entries of its history |")
    print("| --- | --- | --- | --- | --- | --- |")
    lost = WRITERS * edits - counted
    print(f"| {WRITERS} | {WRITERS * edits} | {counted} | **{lost}** | {stale} | {history} |")


def send(
    server: RestartableServer, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, Any, Any]:
    """On a connection of its own. Raises OSError and HTTPException."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    key = (server.folder / "api_key").read_text().strip()
    sent = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", **headers}
    try:
        connection.request(method, f"/api/v1{path}", body and json.dumps(body), sent)
        response = connection.getresponse()
        return response.status, response.headers, json.loads(response.read())
    finally:
        connection.close()


if __name__ == "__main__":
    main()
