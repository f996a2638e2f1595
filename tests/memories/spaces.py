"""Embedding spaces in tests: the local model, and one that the fake model's server stands for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from configuration.fake import FakeServer
from configuration.providers import client
from jobs.models import Job
from jobs.runner import run_due
from memories.models import Embedding, EmbeddingSpace, Memory
from tests.cast import Member

LOCAL = {"provider": "local"}


@pytest.fixture
def fake(monkeypatch) -> Iterator[FakeServer]:
    monkeypatch.setattr(client, "BACKOFF", 0.0)
    with FakeServer(dimensions=96) as server:
        yield server


def remote(fake: FakeServer, model: str = "other", **config: object) -> dict[str, object]:
    """What is sent to choose the fake's model."""
    address = {"model": model, "openai_base_url": fake.base_url}
    return {"provider": "vllm", "config": {**address, **config}}


def choose(operator: Member, embedder: dict[str, object]) -> None:
    answer = operator.put("/config/mem0/embedder", embedder)
    assert answer.status_code == 200, answer.content


def change_to(operator: Member, embedder: dict[str, object]) -> Job:
    """Choose a model, and do what is then to be done."""
    choose(operator, embedder)
    return reembed()


def reembed() -> Job:
    run_due()
    return Job.objects.filter(kind="reembed").latest("created_at")


def states() -> dict[str, str]:
    return {space.model: space.state for space in EmbeddingSpace.objects.all()}


def vectors_in(space: EmbeddingSpace) -> int:
    return Embedding.objects.filter(space=space).count()


def spaces_of(memory_id: str) -> set[str]:
    memory = Memory.objects.get(pk=memory_id)
    return set(memory.embeddings.values_list("space__model", flat=True))


def found_by(member: Member, query: str, **fields: object) -> list[str]:
    answer = member.post("/memories/search", {"query": query, **fields})
    assert answer.status_code == 200, answer.content
    return [result["text"] for result in answer.json()["results"]]
