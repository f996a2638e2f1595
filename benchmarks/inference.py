"""What a slow language model costs those who remember, and what a killed process costs the facts.

    python benchmarks/inference.py [--delay 2] [--at-once 4] [--messages 100] [--killed 200]

Starts a server in a scratch folder beside a fake model that takes so many seconds an answer, and
prints, each as a ratio: remembering with the model to remembering without one, in turns; the time
until messages of 8 clients are all turned into facts to what the model alone takes for its calls,
as many at once as are configured; and whether the facts are the same when processes are killed.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPException
from random import Random
from statistics import median
from typing import Any

import psutil
from live_server import Client, Server, own_server, use_django
from sample_data import Writer

CLIENTS = 8
TURNS = 4
POSTS = 15  # a turn
KILLS = 12
VICTIMS = ["server.worker quick", "server.web", "valkey-server", "postgres -D"]
UNFINISHED = ["queued", "running"]
MINUTES = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--delay", type=float, default=2.0, help="seconds that an answer takes")
    parser.add_argument("--at-once", type=int, default=4, help="OPENMEMORY_QUICK_JOBS_AT_ONCE")
    parser.add_argument("--messages", type=int, default=100, help="sent by 8 clients")
    parser.add_argument("--killed", type=int, default=200, help="messages while processes die")
    given = parser.parse_args()
    os.environ |= {
        "OPENMEMORY_QUICK_JOBS_AT_ONCE": str(given.at_once),
        "OPENMEMORY_JOBS_LEASE_SECONDS": "5",
        "OPENMEMORY_JOBS_SWEEP_SECONDS": "2",
    }
    with own_server() as server:
        use_django()
        from configuration.fake import FakeServer

        with FakeServer(delay=given.delay) as fake:
            compare_posts(server, fake)
            compare_throughput(server, fake, given.messages, given.at_once)
            fake.delay = min(given.delay, 0.2)
            if given.killed:
                compare_killed(server, given.killed)


def use_model(server: Server, fake: Any | None) -> None:
    config = {"openai_base_url": fake.base_url, "model": "fake"} if fake else {}
    body = {"provider": "vllm" if fake else "local", "config": config}
    server.client().put("/config/mem0/llm", body)


# --- Remembering -------------------------------------------------------------------------------


def compare_posts(server: Server, fake: Any) -> None:
    """The model works on what was sent in the turns before."""
    client = server.new_user("posting")
    writer = Writer(seed=1)
    took: dict[bool, list[float]] = {True: [], False: []}
    for turn in range(2 * TURNS + 1):
        with_model = turn % 2 == 1
        use_model(server, fake if with_model else None)
        samples = [timed(lambda: client.post("/memories", text(writer))) for _ in range(POSTS)]
        took[with_model] += samples if turn else []  # the first turn warms up
        wait_until_done(client)
    without, beside = median(took[False]), median(took[True])
    print("\n| remembering | with a model that takes a while | ratio |\n| --- | --- | --- |")
    print(f"| {without:.1f} ms | {beside:.1f} ms | **{beside / without:.2f}** |")


def timed(do: Callable[[], Any]) -> float:
    """Milliseconds."""
    started = time.perf_counter()
    do()
    return (time.perf_counter() - started) * 1000


def text(writer: Writer) -> dict[str, str]:
    return {"text": f"{writer.sentence()}. {writer.sentence()}."}


# --- Throughput --------------------------------------------------------------------------------


def compare_throughput(server: Server, fake: Any, messages: int, at_once: int) -> None:
    use_model(server, fake)
    owner = server.new_user("throughput")
    writer = Writer(seed=2)
    texts = [text(writer) for _ in range(messages)]
    fake.calls.clear()
    started = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(
            pool.map(
                lambda client, mine: [client.post("/memories", each) for each in mine],
                [owner.again() for _ in range(CLIENTS)],
                [texts[number::CLIENTS] for number in range(CLIENTS)],
            )
        )
    sent = time.perf_counter() - started
    wait_until_done(owner)
    took = time.perf_counter() - started
    calls = sum(fake.calls.values())
    alone = calls * fake.delay / at_once
    print("\n| messages | sent in | calls | model alone | until all are facts | ratio |")
    print("| --- | --- | --- | --- | --- | --- |")
    print(
        f"| {messages} | {sent:.1f} s | {calls} | {alone:.1f} s | {took:.1f} s"
        f" | **{took / alone:.2f}** |"
    )


def wait_until_done(client: Client) -> None:
    """Wait until no job of a user is unfinished."""
    deadline = time.monotonic() + MINUTES * 60
    while time.monotonic() < deadline:
        try:
            if not any(client.get(f"/jobs?state={state}")["total"] for state in UNFINISHED):
                return
        except (HTTPException, OSError, SystemExit):
            client = client.again()
        time.sleep(0.1)
    raise SystemExit("The jobs did not end.")


# --- Killing -----------------------------------------------------------------------------------


def compare_killed(server: Server, messages: int) -> None:
    writer = Writer(seed=3)
    texts = [text(writer) for _ in range(messages)]
    facts = []
    for name, kills in (("undisturbed", 0), ("killed", KILLS)):
        client = server.new_user(name)
        with ThreadPoolExecutor(CLIENTS) as pool:
            sending = [
                pool.submit(send_all, client.again(), texts[number::CLIENTS])
                for number in range(CLIENTS)
            ]
            kill(kills)
        [each.result() for each in sending]
        wait_until_done(client)
        facts.append(sorted(everything(client.again())))  # the first connection may be broken
    undisturbed, killed = facts
    print("\n| messages | killed processes | facts | facts without | same |")
    print("| --- | --- | --- | --- | --- |")
    print(
        f"| {messages} | {KILLS} | {len(killed)} | {len(undisturbed)}"
        f" | **{'yes' if killed == undisturbed else 'no'}** |"
    )


def kill(times: int) -> None:
    """Kill a process of the server's tree every now and then, each kind in turn."""
    random = Random(1)
    for number in range(times):
        time.sleep(random.uniform(0.5, 3.0))
        words = VICTIMS[number % len(VICTIMS)].split()
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if all(word in " ".join(process.cmdline()) for word in words):
                    process.kill()
                    break


def send_all(client: Client, texts: Sequence[dict[str, str]]) -> None:
    """Send each until it is answered."""
    for each in texts:
        while True:
            with suppress(HTTPException, OSError, SystemExit):
                client.post("/memories", each)
                break
            client = client.again()
            time.sleep(0.2)


def everything(client: Client) -> Iterator[str]:
    page, pages = 1, 1
    while page <= pages:
        answer = client.get(f"/memories?page_size=100&page={page}")
        yield from (item["content"] for item in answer["items"])
        page, pages = page + 1, answer["pages"]


if __name__ == "__main__":
    main()
