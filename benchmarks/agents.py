"""What it costs agents to call over the Model Context Protocol, beside the API.

    python benchmarks/agents.py [--sizes 1000,10000] [--seconds 60] [--clients 32]

Starts a server in a scratch folder. Searches go over the API and over each era of the protocol in
turns, so that whatever else the machine does slows all alike. Then many clients call at once, and
the server's memory and connections to its database are told before and after.
"""

from __future__ import annotations

import argparse
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from statistics import median, quantiles
from typing import Any
from urllib.parse import urlsplit

import psutil
from live_server import Server, own_server, use_django
from sample_data import Writer, settle, stock

WARM_UP = 10
SAMPLES = 60

TODAY = "2026-07-28"
BEFORE = "2025-11-25"

# What the original took for one search over the protocol in 10,000 memories.
ORIGINAL = "13.6 s and 20,005 statements"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", default="1000,10000", help="memories of each user")
    parser.add_argument("--seconds", type=float, default=60, help="that many clients call")
    parser.add_argument("--clients", type=int, default=32, help="how many call at once")
    given = parser.parse_args()
    with own_server() as server:
        use_django()
        keys = {int(size): stocked(server, int(size)) for size in given.sizes.split(",")}
        compare_searches(server, keys)
        endure(server, keys[min(keys)], clients=given.clients, seconds=given.seconds)


def stocked(server: Server, size: int) -> str:
    """Make a user with so many memories, and return their key."""
    from configuration.providers import get_local_embedder

    name = f"with-{size}"
    key: str = server.client().post("/users", {"user_id": name})["api_key"]
    stock(name, size, get_local_embedder())
    settle()
    return key


class Agent:
    """One kept connection, with one key. Not for several threads."""

    def __init__(self, server: Server, key: str, version: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=120)
        self._version = version
        self._headers = {
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": version,
        }

    def call(self, tool: str, arguments: dict[str, Any]) -> Any:
        params: dict[str, Any] = {"name": tool, "arguments": arguments}
        headers = dict(self._headers)
        if self._version == TODAY:
            prefix = "io.modelcontextprotocol"
            meta = {f"{prefix}/protocolVersion": TODAY, f"{prefix}/clientCapabilities": {}}
            params["_meta"] = meta
            headers |= {"Mcp-Method": "tools/call", "Mcp-Name": tool}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        self._connection.request("POST", "/mcp", json.dumps(message), headers)
        answer = self._connection.getresponse()
        content = answer.read()
        result = json.loads(content).get("result", {"isError": True})
        if answer.status != 200 or result["isError"]:
            raise SystemExit(f"{tool} answered {answer.status}: {content[:500]!r}")
        return result["structuredContent"]


def compare_searches(server: Server, keys: dict[int, str]) -> None:
    print("\n| memories | API | today's protocol | ratio | the one before | ratio | bar |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for size, key in keys.items():
        api, today, before = search_times(server, key)
        print(
            f"| {size} | {api:.1f} ms | {today:.1f} ms | **{today / api:.2f}**"
            f" | {before:.1f} ms | **{before / api:.2f}** | {1.3 * api + 2:.1f} ms |"
        )
    print(f"\nThe original needed {ORIGINAL} for a search in 10,000 memories.")
    print(f"Ours makes {statements(keys[max(keys)])} statements, however many there are.")


def search_times(server: Server, key: str) -> tuple[float, ...]:
    client = server.client(key)
    agents = [Agent(server, key, version) for version in (TODAY, BEFORE)]
    writer = Writer(seed=7)

    def turns(question: str) -> Iterator[float]:
        yield timed(lambda: client.post("/memories/search", {"query": question}))
        for agent in agents:
            yield timed(lambda: agent.call("search_memories", {"query": question}))  # noqa: B023

    rows = [tuple(turns(writer.question())) for _ in range(SAMPLES + WARM_UP)]
    return tuple(median(column) for column in zip(*rows[WARM_UP:], strict=True))


def timed(do: Callable[[], Any]) -> float:
    """Milliseconds."""
    started = time.perf_counter()
    do()
    return (time.perf_counter() - started) * 1000


def statements(key: str) -> int:
    """How many a search over the protocol sends to PostgreSQL."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    call = {"name": "search_memories", "arguments": {"query": "What do I like?"}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    headers = {
        "Authorization": f"Bearer {key}",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": BEFORE,
    }
    client = Client()
    with CaptureQueriesContext(connection) as context:
        client.post("/mcp", json.dumps(message), content_type="application/json", headers=headers)
    return len(context)


# --- Many at once ----------------------------------------------------------------------------


def endure(server: Server, key: str, *, clients: int, seconds: float) -> None:
    work(server, key, clients=clients, seconds=seconds / 10)  # until everything is loaded
    before = resources()
    took = work(server, key, clients=clients, seconds=seconds)
    after = resources()
    nines = quantiles(took, n=100)
    print(
        f"\n{clients} clients at once for {seconds:.0f} s: {len(took) / seconds:.0f} calls a"
        f" second, median {median(took):.0f} ms, 99 % within {nines[98]:.0f} ms, no error."
    )
    print("\n| | memory of the web server | connections to the database |")
    print("| --- | --- | --- |")
    for name, (memory, connections) in (("before", before), ("after", after)):
        print(f"| {name} | {memory:.0f} MiB | {connections} |")


def work(server: Server, key: str, *, clients: int, seconds: float) -> list[float]:
    """Have clients search, list and add for so long, and return what each call took."""
    start = threading.Barrier(clients)

    def one(number: int) -> list[float]:
        agent = Agent(server, key, TODAY if number % 2 else BEFORE)
        writer = Writer(seed=100 + number)
        took = []
        start.wait()
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            question, text = writer.question(), writer.sentence()
            for tool, arguments in (
                ("search_memories", {"query": question}),
                ("get_memories", {"limit": 10}),
                ("add_memory", {"text": text, "infer": False}),
            ):
                took.append(timed(lambda: agent.call(tool, arguments)))  # noqa: B023
        return took

    with ThreadPoolExecutor(clients) as pool:
        return [each for took in pool.map(one, range(clients)) for each in took]


def resources() -> tuple[float, int]:
    """The memory of all web processes in MiB, and the connections of all of them."""
    from django.db import connection

    web = [
        process
        for process in psutil.Process().children(recursive=True)
        if "server.web" in " ".join(process.cmdline()) or process.name() == "granian"
    ]
    workers = {each.pid: each for parent in web for each in [parent, *parent.children()]}
    memory = sum(each.memory_full_info().uss for each in workers.values()) / 2**20
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
        )
        return memory, cursor.fetchone()[0]


if __name__ == "__main__":
    main()
