"""What changing the embedding model costs: beside the embedder's own time, and for who searches.

    python benchmarks/reembed.py [--memories 10000] [--delay 0.2]

Starts a server in a scratch folder, with a user of so many memories and the built-in embedder, and
a fake model that takes so many seconds a call. Goes over to the fake one, and to the built-in one
again, whose vectors are dropped before, so that all of it is embedded on this machine.
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

from api import stocked, timed
from live_server import CHECKOUT, Client, Server, own_server, use_django
from sample_data import Writer

FAKE_PORT = 11_499
DIMENSIONS = 1024
# Texts by which the embedder's own time is measured, before and after the job each.
SAMPLE = 640
SEARCHES = 40
PAUSE = 0.05


@dataclass
class Measured:
    """Seconds of embedding, and milliseconds of a search."""

    alone: float
    job: float
    before: float
    during: float

    def row(self, name: str, memories: int) -> str:
        return (
            f"| {name} | {memories} | {self.alone:.1f} s | {self.job:.1f} s"
            f" | **{self.job / self.alone:.2f}** | {self.before:.1f} ms"
            f" | {self.during:.1f} ms | **{self.during / self.before:.2f}** |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--memories", type=int, default=10_000)
    parser.add_argument("--delay", type=float, default=0.2, help="seconds a call of the fake model")
    given = parser.parse_args()
    fake = {
        "provider": "vllm",
        "config": {"model": "fake", "openai_base_url": f"http://127.0.0.1:{FAKE_PORT}/v1"},
    }
    with own_server() as server, fake_model(given.delay):
        use_django()
        [(_, key)] = stocked(server, [given.memories]).values()
        print("| to | memories | embedder alone | job | ratio | search before | during | ratio |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- |")
        over = measured(server, key, fake, given.memories)
        print(over.row("the fake one", given.memories))
        steer(delay=0)  # for the questions, which it embeds from now on
        drop_kept()
        back = measured(server, key, {"provider": "local"}, given.memories)
        print(back.row("the built-in one", given.memories))


def measured(server: Server, key: str, embedder: dict[str, Any], memories: int) -> Measured:
    """Go over to an embedder."""
    first = alone(embedder)
    client = server.client(key)
    before = median(timed(search(client, seed)) for seed in range(SEARCHES))
    server.client().put("/config/mem0/embedder", embedder)
    during: list[float] = []
    while (job := latest_job(server))["state"] in ("queued", "running"):
        during.append(timed(search(client, SEARCHES + len(during))))
        time.sleep(PAUSE)
    if job["state"] != "succeeded":
        raise SystemExit(f"The job {job['state']}: {job['error']}")
    a_text = (first + alone(embedder)) / 2
    return Measured(a_text * memories, seconds_of(job), before, median(during))


def alone(embedder: dict[str, Any]) -> float:
    """Seconds that the embedder takes for a text, in the batches that the job sends."""
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


def search(client: Client, seed: int) -> Callable[[], Any]:
    query = Writer(seed=seed).question()
    return lambda: client.post("/memories/search", {"query": query})


def latest_job(server: Server) -> Any:
    return server.client().get("/jobs?kind=reembed&page_size=1")["items"][0]


def seconds_of(job: dict[str, Any]) -> float:
    from datetime import datetime

    started, finished = (datetime.fromisoformat(job[f"{at}_at"]) for at in ("started", "finished"))
    return (finished - started).total_seconds()


def drop_kept() -> None:
    """Drop the vectors of the former model, though it was searched a moment ago."""
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
        process.stdout.readline()  # it answers now
        try:
            yield
        finally:
            process.terminate()


def steer(**how: Any) -> None:
    body = json.dumps(how).encode()
    urllib.request.urlopen(f"http://127.0.0.1:{FAKE_PORT}/control", body).close()


if __name__ == "__main__":
    main()
