"""The memory and processes of a server, at rest and after work, and how long it starts and stops.

    python benchmarks/footprint.py [--calls 10000] [--minutes 60]
    python benchmarks/footprint.py --pid PID

Starts a server in a scratch folder and prints the PSS of each process: shared pages count once in
their sum. Then it stores and searches so many memories with eight clients, imports an archive of
them, measures again, and once more after some minutes of rest. With `--pid` it measures the tree of
a process that runs already, such as that of `make run`.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import requests
from live_server import CHECKOUT, Client, Server, free_port, scratch_folder
from sample_data import Writer
from soak import MEGABYTE, proportional_bytes

CLIENTS = 8
SETTLE_SECONDS = 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, default=0, help="memories stored, found and imported")
    parser.add_argument("--minutes", type=float, default=0, help="of rest after these")
    parser.add_argument("--pid", type=int, help="measure this process and its children, only")
    options = parser.parse_args()
    if options.pid:
        print_processes("Now", options.pid)
        return
    with scratch_folder() as folder:
        for start in ("The first start", "A warm start"):
            process, server = start_server(Path(folder), start)
            if start == "The first start":
                stop_server(process)
        print_processes(f"At rest for {SETTLE_SECONDS} s", settle(process))
        if options.calls:
            work(server, options.calls)
            print_processes(f"After {options.calls} of each", settle(process))
            time.sleep(options.minutes * 60)
            print_processes(f"{options.minutes:.0f} minutes later", process.pid)
        stop_server(process)


def start_server(folder: Path, title: str) -> tuple[subprocess.Popen[bytes], Server]:
    port = free_port()
    environment = os.environ | {
        "OPENMEMORY_STATE_DIR": str(folder), "HOST": "127.0.0.1", "PORT": str(port),
        "USER": "benchmark", "OPENMEMORY_LOG_LEVEL": "ERROR", "OPENMEMORY_RATE_READS": "off",
        "OPENMEMORY_RATE_WRITES": "off", "DATABASE_URL": "", "REDIS_URL": "",
    }  # fmt: skip
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "run"],
        cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if b"Press Ctrl-C" in line:
            break
    print(f"{title} took **{time.monotonic() - started:.1f} s**.")
    return process, Server(f"http://127.0.0.1:{port}", (folder / "api_key").read_text().strip())


def stop_server(process: subprocess.Popen[bytes]) -> None:
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.wait()
    print(f"It stopped in **{time.monotonic() - started:.1f} s**.")


def settle(process: subprocess.Popen[bytes]) -> int:
    time.sleep(SETTLE_SECONDS)
    return process.pid


def print_processes(title: str, pid: int) -> None:
    parent = psutil.Process(pid)
    rows = []
    for process in [parent, *parent.children(recursive=True)]:
        size = proportional_bytes(process)
        if size:  # otherwise it has ended
            rows.append((size / MEGABYTE, describe(process)))
    print(f"\n{title}:\n\n| process | PSS |\n| --- | --- |")
    for size, name in sorted(rows, reverse=True):
        print(f"| {name} | {size:.0f} MB |")
    print(f"\n**{sum(size for size, _ in rows):.0f} MB** in **{len(rows)}** processes.", flush=True)


def describe(process: psutil.Process) -> str:
    words = process.cmdline()
    name = process.name()
    if name.startswith("openmemory") or not words:
        return name
    if "-m" in words:
        return " ".join(words[words.index("-m") :])
    return " ".join(words)[:40] if "postgres:" in words[0] else " ".join(words[:3])[-40:]


def work(server: Server, calls: int) -> None:
    writer = Writer(seed=1)
    texts = [f"{writer.sentence()} ({number})" for number in range(calls)]
    questions = [writer.question() for _ in range(calls)]
    client = server.new_user("stores")
    run("stores", texts, store, client)
    run("searches", questions, search, client)
    import_archive(server, client)


def store(client: Client, text: str) -> None:
    client.post("/memories", {"text": text, "infer": False})


def search(client: Client, query: str) -> None:
    client.post("/memories/search", {"query": query})


def run(name: str, texts: list[str], call: Callable[[Client, str], None], client: Client) -> None:
    started = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as pool:
        parts = [texts[number::CLIENTS] for number in range(CLIENTS)]
        list(pool.map(lambda part: call_all(client.new_connection(), part, call), parts))
    print(f"{len(texts)} {name}: {len(texts) / (time.monotonic() - started):.0f}/s", flush=True)


def call_all(client: Client, texts: list[str], call: Callable[[Client, str], None]) -> None:
    for text in texts:
        call(client, text)


def import_archive(server: Server, client: Client) -> None:
    """Export all memories of a user and import them for another one."""
    reader = server.new_user("imports")
    headers = {"Authorization": f"Bearer {client.key}"}
    job = client.new_connection().post_async("/backup/export", {})
    wait_for(client, job)
    url = f"{server.url}/api/v1{job}/download"
    archive = requests.get(url, headers=headers, timeout=600).content
    response = requests.post(
        f"{server.url}/api/v1/backup/import",
        headers={"Authorization": f"Bearer {reader.key}"},
        files={"file": ("archive.zip", archive)},
        timeout=600,
    )
    response.raise_for_status()
    if job := response.json()["job"]:  # which embeds what was imported
        wait_for(reader, job.removeprefix("/api/v1"))


def wait_for(client: Client, job: str) -> Any:
    while (state := client.get(job))["state"] in ("queued", "running"):
        time.sleep(0.5)
    if state["state"] != "succeeded":
        raise SystemExit(f"The job failed: {state}")
    return state["result"]


if __name__ == "__main__":
    main()
