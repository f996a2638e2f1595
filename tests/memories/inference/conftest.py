from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from configuration.fake import FakeServer
from configuration.models import Configuration
from configuration.providers import client
from jobs.models import Job
from jobs.runner import run_due
from memories.models import Memory
from tests.cast import Member
from tests.configuration.providers.forget import forget_servers


@pytest.fixture
def fake(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    """A fake language model, configured as the provider."""
    monkeypatch.setattr(client, "BACKOFF", 0.0)
    forget_servers()
    with FakeServer() as server:
        overrides = {"provider": "vllm", "model": "fake", "openai_base_url": server.base_url}
        Configuration.objects.create(llm=overrides)
        yield server


def tell(member: Member, text: str, **fields: Any) -> tuple[Memory, Job]:
    """Store a text and run all due jobs. Returns the memory and its job as they are then."""
    answer = member.remember(text, **fields)
    run_due()
    return Memory.objects.get(pk=answer["id"]), Job.objects.get(pk=answer["job"].rsplit("/")[-1])


def texts(member: Member) -> set[str]:
    """The contents of the user's active memories."""
    return set(Memory.objects.owned_by(member.user).active().values_list("content", flat=True))
