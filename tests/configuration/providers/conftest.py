from __future__ import annotations

from collections.abc import Iterator

import pytest

from configuration.effective import embedder_settings, llm_settings
from configuration.fake import FakeServer
from configuration.model_settings import LlmSettings
from configuration.providers import (
    Embedder,
    client,
    get_embedder,
    get_language_model,
)

from .forget import forget_servers


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    with FakeServer() as server:
        yield server


@pytest.fixture(autouse=True)
def no_backoff(monkeypatch) -> None:
    """Retry without backoff, and forget what was learnt of former servers on the same port."""
    monkeypatch.setattr(client, "BACKOFF", 0.0)
    forget_servers()


@pytest.fixture
def language_model(fake):
    return get_language_model(fake_llm_settings(fake))


def fake_llm_settings(fake: FakeServer, provider: str = "vllm", **overrides: object) -> LlmSettings:
    """Settings for a language model served by the fake."""
    return llm_settings(
        {"provider": provider, "model": "m", "openai_base_url": fake.base_url, **overrides}
    )


def fake_embedder(fake: FakeServer, provider: str = "vllm", **overrides: object) -> Embedder:
    """An embedding model served by the fake."""
    settings = {"provider": provider, "model": "m", "openai_base_url": fake.base_url, **overrides}
    return get_embedder(embedder_settings(settings))
