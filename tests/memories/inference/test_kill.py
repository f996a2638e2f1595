"""A worker that is killed during inference changes nothing: the facts are the same, none twice."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import psutil
import pytest
import requests

from configuration.fake import FakeServer
from tests.deadline import eventually
from tests.server.processes import Server

THINGS = ["violin", "sofa", "garden", "bakery", "novel", "tractor", "passport", "aquarium"]
MESSAGES = [f"My {thing} is from Town {n}. I got a {thing}." for n, thing in enumerate(THINGS)]
FACTS = sorted(
    f for n, t in enumerate(THINGS) for f in (f"My {t} is from Town {n}.", f"I got a {t}.")
)

VICTIMS = [["openmemory-jobs"], ["server.all_in_one"], ["valkey-server"], ["postgres"]]


@pytest.fixture
def server() -> Iterator[Server]:
    with FakeServer(delay=0.1) as fake:
        server = Server(
            Path(tempfile.mkdtemp(prefix="om-")),
            LLM_PROVIDER="vllm",
            LLM_MODEL="fake",
            LLM_BASE_URL=fake.base_url,
            OPENMEMORY_WEB_PROCESSES="1",
            OPENMEMORY_JOBS_LEASE_SECONDS="2",
            OPENMEMORY_JOBS_SWEEP_SECONDS="1",
        )
        try:
            server.start()
            yield server
        finally:
            server.kill_everything()
            shutil.rmtree(server.state_dir)


def send(server: Server) -> None:
    """Send the messages, each until it is answered."""
    for text in MESSAGES:
        while True:
            with suppress(requests.RequestException):
                if server.post("/api/v1/memories", {"text": text}).status_code == 200:
                    break
            time.sleep(0.1)


def is_done(server: Server) -> bool:
    try:
        jobs = server.get("/api/v1/jobs?page_size=100").json()
    except requests.RequestException:
        return False
    return all(job["state"] == "succeeded" for job in jobs.get("items", [{"state": "?"}]))


def test_killed_at_any_moment_each_message_becomes_its_facts_once(server: Server) -> None:
    random = Random(5)
    sending = threading.Thread(target=send, args=[server])
    sending.start()

    for victim in random.sample(VICTIMS, len(VICTIMS)):
        time.sleep(random.uniform(0.1, 1.0))
        with suppress(StopIteration, psutil.NoSuchProcess):
            server.child(*victim).kill()

    sending.join()
    assert eventually(lambda: is_done(server))
    page = server.get("/api/v1/memories?page_size=100").json()
    assert sorted(item["content"] for item in page["items"]) == FACTS
