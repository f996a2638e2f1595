"""The cost of migrating to another embedding model, for the job and for searches.

    python benchmarks/reembed.py [--memories 10000] [--delay 0.2]

Starts a server in a scratch folder, with a user of this many memories and the built-in embedder,
and a fake model with this many seconds of delay. Migrates to the fake model, drops the former
vectors, and migrates back to the built-in model, which embeds all memories again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

from api import create_users
from live_server import CHECKOUT, Client, Server, own_server, setup_django
from measurement import milliseconds
from sample_data import Writer

FAKE_PORT = 11_499
DIMENSIONS = 1024
# Texts that measure the embedder alone, before the job and again after it.
SAMPLE = 640
SEARCHES = 40
PAUSE = 0.05


@dataclass
class Measurement:
    """Seconds of embedding all memories, and milliseconds of a search."""

    embedder_seconds: float
    job_seconds: float
    search_before: float
    search_during: float

    def row(self, name: str, memories: int) -> str:
        return (
            f"| {name} | {memories} | {self.embedder_seconds:.1f} s"
            f" | {self.job_seconds:.1f} s | **{self.job_seconds / self.embedder_seconds:.2f}**"
            f" | {self.search_before:.1f} ms | {self.search_during:.1f} ms"
            f" | **{self.search_during / self.search_before:.2f}** |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--memories", type=int, default=10_000)
    parser.add_argument(
        "--delay", type=float, default=0.2, help="seconds per call of the fake model"
    )
    options = parser.parse_args()
    fake = {
        "provider": "vllm",
        "config": {"model": "fake", "openai_base_url": f"http://127.0.0.1:{FAKE_PORT}/v1"},
    }
    with own_server() as server, fake_model(options.delay):
        setup_django()
        [(_, key)] = create_users(server, [options.memories]).values()
        print("| to | memories | embedder alone | job | ratio | search before | during | ratio |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- |")
        there = measure_migration(server, key, fake, options.memories)
        print(there.row("the fake model", options.memories))
        control_fake(delay=0)  # for the queries, which it embeds from now on
        drop_former_vectors()
        back = measure_migration(server, key, {"provider": "local"}, options.memories)
        print(back.row("the built-in model", options.memories))


def measure_migration(
    server: Server, key: str, embedder: dict[str, Any], memories: int
) -> Measurement:
    seconds_before = seconds_per_text(embedder)
    client = server.client(key)
    before = median(milliseconds(searcher(client, seed)) for seed in range(SEARCHES))
    server.client().put("/config/mem0/embedder", embedder)
    during: list[float] = []
    while (job := latest_job(server))["state"] in ("queued", "running"):
        during.append(milliseconds(searcher(client, SEARCHES + len(during))))
        time.sleep(PAUSE)
    if job["state"] != "succeeded":
        raise SystemExit(f"The job {job['state']}: {job['error']}")
    per_text = (seconds_before + seconds_per_text(embedder)) / 2
    return Measurement(per_text * memories, duration_of(job), before, median(during))


def seconds_per_text(embedder: dict[str, Any]) -> float:
    """What the embedder alone takes, in the batches of the job."""
    from configuration import effective
    from configuration.providers import get_embedder
    from memories.models import Memory
    from memories.vectors.backfill import BATCH_SIZE

    texts = list(Memory.objects.order_by("pk").values_list("content", flat=True)[:SAMPLE])
    config = embedder.get("config", {})
    model = get_embedder(effective.embedder_settings({"provider": embedder["provider"], **config}))
    model.embed_documents(texts[:BATCH_SIZE])
    started = time.perf_counter()
    for start in range(0, len(texts), BATCH_SIZE):
        model.embed_documents(texts[start : start + BATCH_SIZE])
    return (time.perf_counter() - started) / len(texts)


def searcher(client: Client, seed: int) -> Callable[[], Any]:
    query = Writer(seed=seed).question()
    return lambda: client.post("/memories/search", {"query": query})


def latest_job(server: Server) -> Any:
    return server.client().get("/jobs?kind=reembed&page_size=1")["items"][0]


def duration_of(job: dict[str, Any]) -> float:
    from datetime import datetime

    started, finished = (datetime.fromisoformat(job[f"{at}_at"]) for at in ("started", "finished"))
    return (finished - started).total_seconds()


def drop_former_vectors() -> None:
    """Drop the vectors of the former model without waiting for its retention to end."""
    from django.core.management import call_command

    from memories.models import EmbeddingSpace

    EmbeddingSpace.objects.update(retired_at=None)
    call_command("reembed", "--drop")


@contextmanager
def fake_model(delay: float) -> Iterator[None]:
    options = [f"--port={FAKE_PORT}", f"--dimensions={DIMENSIONS}", f"--delay={delay}"]
    command = [sys.executable, "manage.py", "fake_llm", *options]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()  # it is ready
        try:
            yield
        finally:
            process.terminate()


def control_fake(**changes: Any) -> None:
    body = json.dumps(changes).encode()
    urllib.request.urlopen(f"http://127.0.0.1:{FAKE_PORT}/control", body).close()


if __name__ == "__main__":
    main()
