from __future__ import annotations

from collections.abc import Iterator

import pytest

from configuration import effective
from configuration.fake import FakeServer
from configuration.providers import Embedder, client, completer_for, embedder_for
from configuration.providers import embedder as embedding_module
from configuration.providers import llm as completing


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    with FakeServer() as server:
        yield server


@pytest.fixture(autouse=True)
def impatient(monkeypatch) -> None:
    """Attempts follow at once, and what was learnt of a port is not believed of its next server."""
    monkeypatch.setattr(client, "PAUSE", 0.0)
    completing._learnt.clear()
    embedding_module._fixed.clear()


@pytest.fixture
def completer(fake):
    return completer_for(llm(fake))


def llm(fake: FakeServer, provider: str = "vllm", **chosen: object) -> effective.LlmSettings:
    """The settings of a language model that the fake stands for."""
    return effective.llm(
        {"provider": provider, "model": "m", "openai_base_url": fake.base_url, **chosen}
    )


def embedding(fake: FakeServer, provider: str = "vllm", **chosen: object) -> Embedder:
    """An embedding model that the fake stands for."""
    settings = {"provider": provider, "model": "m", "openai_base_url": fake.base_url, **chosen}
    return embedder_for(effective.embedder(settings))
