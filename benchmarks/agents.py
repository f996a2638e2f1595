"""The cost of the Model Context Protocol, compared with the API.

    python benchmarks/agents.py [--sizes 1000,10000] [--seconds 60] [--clients 32]

Starts a server in a scratch folder. Searches go over the API and over two versions of the protocol
in turns, so that other load on the machine slows all alike. Then many clients call at once, and the
server's memory and database connections before and after are printed.
"""

from __future__ import annotations

import argparse
import http.client
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from statistics import median, quantiles
from typing import Any
from urllib.parse import urlsplit

import psutil
from live_server import Server, own_server, setup_django
from measurement import milliseconds
from sample_data import Writer, insert_memories, vacuum_analyze

WARM_UP = 10
SAMPLES = 60

# Versions of the protocol.
STATELESS = "2026-07-28"
WITH_SESSIONS = "2025-11-25"

# The cost of one search over the protocol in 10,000 memories, in the original server.
ORIGINAL_COST = "13.6 s and 20,005 statements"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", default="1000,10000", help="memories of each user")
    parser.add_argument("--seconds", type=float, default=60, help="how long many clients call")
    parser.add_argument("--clients", type=int, default=32, help="concurrent clients")
    options = parser.parse_args()
    with own_server() as server:
        setup_django()
        keys = {int(size): create_user(server, int(size)) for size in options.sizes.split(",")}
        compare_searches(server, keys)
        load_test(server, keys[min(keys)], clients=options.clients, seconds=options.seconds)


def create_user(server: Server, size: int) -> str:
    """Create a user with this many memories, and return their key."""
    from configuration.providers import get_local_embedder

    name = f"with-{size}"
    key: str = server.client().post("/users", {"user_id": name})["api_key"]
    insert_memories(name, size, get_local_embedder())
    vacuum_analyze()
    return key


class Agent:
    """One keep-alive connection with one key. Not thread-safe."""

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
        if self._version == STATELESS:
            prefix = "io.modelcontextprotocol"
            meta = {f"{prefix}/protocolVersion": STATELESS, f"{prefix}/clientCapabilities": {}}
            params["_meta"] = meta
            headers |= {"Mcp-Method": "tools/call", "Mcp-Name": tool}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        self._connection.request("POST", "/mcp", json.dumps(message), headers)
        response = self._connection.getresponse()
        content = response.read()
        result = json.loads(content).get("result", {"isError": True})
        if response.status != 200 or result["isError"]:
            raise SystemExit(f"{tool} returned {response.status}: {content[:500]!r}")
        return result["structuredContent"]


def compare_searches(server: Server, keys: dict[int, str]) -> None:
    print("\n| memories | API | stateless | ratio | with sessions | ratio | limit |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for size, key in keys.items():
        api, stateless, with_sessions = search_times(server, key)
        print(
            f"| {size} | {api:.1f} ms | {stateless:.1f} ms | **{stateless / api:.2f}**"
            f" | {with_sessions:.1f} ms | **{with_sessions / api:.2f}** | {1.3 * api + 2:.1f} ms |"
        )
    print(f"\nThe original server needed {ORIGINAL_COST} for a search in 10,000 memories.")
    print(f"This one runs {count_statements(keys[max(keys)])} statements, whatever the number.")


def search_times(server: Server, key: str) -> tuple[float, ...]:
    client = server.client(key)
    agents = [Agent(server, key, version) for version in (STATELESS, WITH_SESSIONS)]
    writer = Writer(seed=7)

    def measure(question: str) -> Iterator[float]:
        yield milliseconds(lambda: client.post("/memories/search", {"query": question}))
        for agent in agents:
            yield milliseconds(lambda: agent.call("search_memories", {"query": question}))  # noqa: B023

    rows = [tuple(measure(writer.question())) for _ in range(SAMPLES + WARM_UP)]
    return tuple(median(column) for column in zip(*rows[WARM_UP:], strict=True))


def count_statements(key: str) -> int:
    """The statements of one search over the protocol."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    call = {"name": "search_memories", "arguments": {"query": "What do I like?"}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    headers = {
        "Authorization": f"Bearer {key}",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": WITH_SESSIONS,
    }
    client = Client()
    with CaptureQueriesContext(connection) as context:
        client.post("/mcp", json.dumps(message), content_type="application/json", headers=headers)
    return len(context)


# --- Load test -------------------------------------------------------------------------------


def load_test(server: Server, key: str, *, clients: int, seconds: float) -> None:
    call_tools(server, key, clients=clients, seconds=seconds / 10)  # warms up
    before = resources()
    times = call_tools(server, key, clients=clients, seconds=seconds)
    after = resources()
    percentiles = quantiles(times, n=100)
    print(
        f"\n{clients} concurrent clients for {seconds:.0f} s: {len(times) / seconds:.0f} calls per"
        f" second, median {median(times):.0f} ms, p99 {percentiles[98]:.0f} ms, no error."
    )
    print("\n| | memory of the web server | database connections |")
    print("| --- | --- | --- |")
    for name, (memory, connections) in (("before", before), ("after", after)):
        print(f"| {name} | {memory:.0f} MiB | {connections} |")


def call_tools(server: Server, key: str, *, clients: int, seconds: float) -> list[float]:
    """Have clients search, list and add concurrently, and return the milliseconds of each call."""
    start = threading.Barrier(clients)

    def run_client(number: int) -> list[float]:
        agent = Agent(server, key, STATELESS if number % 2 else WITH_SESSIONS)
        writer = Writer(seed=100 + number)
        times = []
        start.wait()
        deadline = time.perf_counter() + seconds
        while time.perf_counter() < deadline:
            question, text = writer.question(), writer.sentence()
            for tool, arguments in (
                ("search_memories", {"query": question}),
                ("get_memories", {"limit": 10}),
                ("add_memory", {"text": text, "infer": False}),
            ):
                times.append(milliseconds(lambda: agent.call(tool, arguments)))  # noqa: B023
        return times

    with ThreadPoolExecutor(clients) as pool:
        return [ms for times in pool.map(run_client, range(clients)) for ms in times]


def resources() -> tuple[float, int]:
    """The memory of all web processes in MiB, and the number of database connections."""
    from core import sql

    web = [
        process
        for process in psutil.Process().children(recursive=True)
        if process.name() == "openmemory-web"
    ]
    memory = sum(process.memory_full_info().uss for process in web) / 2**20
    connections = sql.fetch_value(
        "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
    )
    return memory, connections


if __name__ == "__main__":
    main()
