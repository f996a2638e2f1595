"""A stream belongs to a connection, not to one of its tokens."""

from __future__ import annotations

import pytest

from agents import sse
from tests.oauth.program import new_client


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_stream_outlives_a_renewal_and_ends_with_its_connection(browser, program, monkeypatch):
    tokens = program.connect(browser)
    stream = open_stream(tokens)
    address = next(stream).partition("data: ")[2].strip()

    renewed = program.refresh(tokens["refresh_token"]).json()

    assert post(address, tokens).status_code == 401
    assert post(address, renewed).status_code == 202
    assert '"id":7' in next(stream)
    monkeypatch.setattr(sse, "PING_SECONDS", 0)
    assert next(stream).startswith(": ping")
    assert program.revoke(renewed["refresh_token"]).status_code == 200
    assert list(stream) == []
    assert post(address, renewed).status_code == 401


def open_stream(tokens):
    response = headed(tokens).get("/mcp/claude/sse/alice")
    assert response.status_code == 200
    return (event.decode() for event in response.streaming_content)


def post(address, tokens):
    message = {"jsonrpc": "2.0", "id": 7, "method": "ping"}
    return headed(tokens).post(address, message, content_type="application/json")


def headed(tokens):
    return new_client(Authorization=f"Bearer {tokens['access_token']}")
