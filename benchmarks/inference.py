"""The cost of a slow language model for storing memories, and of killed processes for facts.

    python benchmarks/inference.py [--delay 2] [--at-once 4] [--messages 100] [--killed 200]

Starts a server in a scratch folder, and a fake model with this many seconds of delay. Prints as
ratios: storing a memory with the model to storing one without, in turns; and the time until the
messages of 8 clients are all facts to what the model alone takes for its calls, at the configured
concurrency. Prints also whether the facts are the same when processes are killed.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPException
from random import Random
from statistics import median
from typing import Any

import psutil
from live_server import Client, Server, own_server, setup_django
from measurement import milliseconds
from sample_data import Writer

CLIENTS = 8
TURNS = 4
POSTS = 15  # per turn
KILLS = 12
VICTIMS = ["openmemory-jobs", "server.all_in_one", "valkey-server", "postgres -D"]
UNFINISHED = ["queued", "running"]
TIMEOUT_MINUTES = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--delay", type=float, default=2.0, help="seconds that a response takes")
    parser.add_argument("--at-once", type=int, default=4, help="OPENMEMORY_QUICK_JOBS_AT_ONCE")
    parser.add_argument("--messages", type=int, default=100, help="sent by 8 clients")
    parser.add_argument(
        "--killed", type=int, default=200, help="messages while processes are killed"
    )
    options = parser.parse_args()
    os.environ |= {
        "OPENMEMORY_QUICK_JOBS_AT_ONCE": str(options.at_once),
        "OPENMEMORY_JOBS_LEASE_SECONDS": "5",
        "OPENMEMORY_JOBS_SWEEP_SECONDS": "2",
    }
    with own_server() as server:
        setup_django()
        from configuration.fake import FakeServer

        with FakeServer(delay=options.delay) as fake:
            compare_posts(server, fake)
            compare_throughput(server, fake, options.messages, options.at_once)
            fake.delay = min(options.delay, 0.2)
            if options.killed:
                compare_killed(server, options.killed)


def use_model(server: Server, fake: Any | None) -> None:
    config = {"openai_base_url": fake.base_url, "model": "fake"} if fake else {}
    body = {"provider": "vllm" if fake else "local", "config": config}
    server.client().put("/config/mem0/llm", body)


# --- Storing -----------------------------------------------------------------------------------


def compare_posts(server: Server, fake: Any) -> None:
    """The model works on the messages of the turns before."""
    client = server.new_user("posting")
    writer = Writer(seed=1)
    times: dict[bool, list[float]] = {True: [], False: []}
    for turn in range(2 * TURNS + 1):
        with_model = turn % 2 == 1
        use_model(server, fake if with_model else None)
        samples = [
            milliseconds(lambda: client.post("/memories", new_memory(writer))) for _ in range(POSTS)
        ]
        times[with_model] += samples if turn else []  # the first turn warms up
        wait_until_done(client)
    without, with_slow_model = median(times[False]), median(times[True])
    print("\n| store without a model | with a slow model | ratio |\n| --- | --- | --- |")
    ratio = f"**{with_slow_model / without:.2f}**"
    print(f"| {without:.1f} ms | {with_slow_model:.1f} ms | {ratio} |")


def new_memory(writer: Writer) -> dict[str, str]:
    return {"text": f"{writer.sentence()}. {writer.sentence()}."}


# --- Throughput --------------------------------------------------------------------------------


def compare_throughput(server: Server, fake: Any, messages: int, at_once: int) -> None:
    use_model(server, fake)
    owner = server.new_user("throughput")
    writer = Writer(seed=2)
    bodies = [new_memory(writer) for _ in range(messages)]
    fake.calls.clear()
    started = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(
            pool.map(
                lambda client, bodies: [client.post("/memories", body) for body in bodies],
                [owner.new_connection() for _ in range(CLIENTS)],
                [bodies[number::CLIENTS] for number in range(CLIENTS)],
            )
        )
    sending = time.perf_counter() - started
    wait_until_done(owner)
    inferring = time.perf_counter() - started
    calls = sum(fake.calls.values())
    model_alone = calls * fake.delay / at_once
    print("\n| messages | sent in | calls | model alone | until all are facts | ratio |")
    print("| --- | --- | --- | --- | --- | --- |")
    print(
        f"| {messages} | {sending:.1f} s | {calls} | {model_alone:.1f} s | {inferring:.1f} s"
        f" | **{inferring / model_alone:.2f}** |"
    )


def wait_until_done(client: Client) -> None:
    """Wait until no job of a user is unfinished."""
    deadline = time.monotonic() + TIMEOUT_MINUTES * 60
    while time.monotonic() < deadline:
        try:
            # Twice: the job of a killed worker may have been queued again between two answers.
            states = UNFINISHED * 2
            if not any(client.get(f"/jobs?state={state}")["total"] for state in states):
                return
        except (HTTPException, OSError, SystemExit):
            client = client.new_connection()
        time.sleep(0.1)
    raise SystemExit("The jobs did not finish in time.")


# --- Killing -----------------------------------------------------------------------------------


def compare_killed(server: Server, messages: int) -> None:
    writer = Writer(seed=3)
    bodies = [new_memory(writer) for _ in range(messages)]
    facts = []
    for name, kills in (("undisturbed", 0), ("killed", KILLS)):
        client = server.new_user(name)
        with ThreadPoolExecutor(CLIENTS) as pool:
            futures = [
                pool.submit(send_all, client.new_connection(), bodies[number::CLIENTS])
                for number in range(CLIENTS)
            ]
            kill_processes(kills)
        for future in futures:
            future.result()
        wait_until_done(client)
        facts.append(
            sorted(list_contents(client.new_connection()))
        )  # the first connection may be broken
    undisturbed, killed = facts
    print("\n| messages | killed processes | facts | facts without | same |")
    print("| --- | --- | --- | --- | --- |")
    print(
        f"| {messages} | {KILLS} | {len(killed)} | {len(undisturbed)}"
        f" | **{'yes' if killed == undisturbed else 'no'}** |"
    )


def kill_processes(times: int) -> None:
    """Kill processes of the server's tree at random intervals, each kind in turn."""
    random = Random(1)
    for number in range(times):
        time.sleep(random.uniform(0.5, 3.0))
        words = VICTIMS[number % len(VICTIMS)].split()
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if all(word in " ".join([process.name(), *process.cmdline()]) for word in words):
                    process.kill()
                    break


def send_all(client: Client, bodies: Sequence[dict[str, str]]) -> None:
    """Retry each request until it succeeds."""
    for body in bodies:
        while True:
            with suppress(HTTPException, OSError, SystemExit):
                client.post("/memories", body)
                break
            client = client.new_connection()
            time.sleep(0.2)


def list_contents(client: Client) -> Iterator[str]:
    page, pages = 1, 1
    while page <= pages:
        body = client.get(f"/memories?page_size=100&page={page}")
        yield from (item["content"] for item in body["items"])
        page, pages = page + 1, body["pages"]


if __name__ == "__main__":
    main()
