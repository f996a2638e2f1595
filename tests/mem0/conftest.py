from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from rest_framework.response import Response
from rest_framework.test import APIClient

from configuration.fake import FakeServer
from configuration.models import Configuration
from configuration.providers import client
from memories.models import Memory
from tests.cast import Member
from tests.configuration.providers.forget import forget_servers


@dataclass(frozen=True)
class Client:
    """A client of Mem0's API, with the key of an account."""

    member: Member

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> Response:
        address = f"{path}?{urlencode(query, doseq=True)}" if query else path
        return self.send(method, address, body)

    def send(self, method: str, address: str, body: Any = None, **headers: str) -> Response:
        client = APIClient(raise_request_exception=False)
        client.credentials(HTTP_AUTHORIZATION=f"Token {self.member.secret}")
        text = "" if body is None else json.dumps(body)
        return client.generic(
            method, address, text, content_type="application/json", headers=headers
        )

    def get(self, path: str, **query: Any) -> Response:
        return self.call("GET", path, **query)

    def post(self, path: str, body: Any = None, **query: Any) -> Response:
        return self.call("POST", path, body, **query)

    def put(self, path: str, body: Any = None, **query: Any) -> Response:
        return self.call("PUT", path, body, **query)

    def patch(self, path: str, body: Any = None, **query: Any) -> Response:
        return self.call("PATCH", path, body, **query)

    def delete(self, path: str, body: Any = None, **query: Any) -> Response:
        return self.call("DELETE", path, body, **query)

    def add(self, *texts: str, **fields: Any) -> list[str]:
        """Store a memory for each text, as it is, and return their ids."""
        messages = [{"role": "user", "content": text} for text in texts]
        body = {"messages": messages, "infer": False, **fields}
        answer = self.post("/v3/memories/add/", body)
        assert answer.status_code == 200, answer.content
        return [entry["id"] for entry in answer.json()["results"]]

    def texts(self, filters: Any, **fields: Any) -> set[str]:
        """The texts that a list with these filters shows."""
        answer = self.post("/v3/memories/", {"filters": filters, **fields})
        assert answer.status_code == 200, answer.content
        return {memory["memory"] for memory in answer.json()["results"]}

    def with_key(self, **kind: Any) -> Client:
        return Client(self.member.with_key(**kind))


@pytest.fixture
def shop(alice: Member) -> Client:
    """The client of an account."""
    return Client(alice)


@pytest.fixture
def llm(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    """A fake language model, which is that of the configuration."""
    monkeypatch.setattr(client, "BACKOFF", 0.0)
    forget_servers()
    with FakeServer() as server:
        section = {"provider": "vllm", "model": "fake", "openai_base_url": server.base_url}
        Configuration.objects.create(llm=section)
        yield server


@pytest.fixture
def rival(bob: Member) -> Client:
    """The client of another account."""
    return Client(bob)


def snapshot() -> list[Any]:
    """All memories, as far as a deletion could change them."""
    return sorted(Memory.objects.values_list("pk", "state", "version"))
