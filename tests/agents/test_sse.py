"""The oldest transport, as it is on the wire."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
import requests

from tests.deadline import SECONDS, eventually

DEACTIVATE = """
from accounts.models import User
User.objects.filter(user_id="{}").update(is_active=False)
"""


@pytest.fixture
def opened(shared_server):
    """Open a stream, and return what to post to."""
    answers = []

    def open_one():
        answer = requests.get(
            f"{shared_server.url}/mcp/cursor/sse/default_user",
            headers={"Authorization": f"Bearer {shared_server.key}"},
            stream=True,
            timeout=SECONDS,
        )
        answers.append(answer)
        return answer

    yield open_one
    for answer in answers:
        answer.close()


def lines(answer):
    every = answer.iter_lines(chunk_size=1, decode_unicode=True)
    return (line for line in every if line)


def test_a_stream_says_where_to_post_and_carries_the_answer(opened, shared_server):
    stream = opened()
    read = lines(stream)

    assert stream.headers["Content-Type"] == "text/event-stream"
    assert next(read) == "event: endpoint"
    address = next(read).removeprefix("data: ")
    assert address.startswith("/mcp/messages/?session_id=")
    posted = post(shared_server, address, shared_server.key)
    assert posted.status_code == 202
    assert next(read) == "event: message"
    assert '"id":7' in next(read)


def test_a_session_is_unknown_to_another_key_and_after_its_end(opened, shared_server):
    stream = opened()
    read = lines(stream)
    next(read)
    address = next(read).removeprefix("data: ")
    other = shared_server.call("POST", "/keys", json={"name": "other"})["api_key"]

    refused = post(shared_server, address, other)
    unknown = post(shared_server, f"/mcp/messages/?session_id={uuid.uuid4().hex}", other)
    stream.close()

    assert refused.status_code == unknown.status_code == 404
    assert refused.json()["code"] == unknown.json()["code"] == "session_not_found"
    # Noticed at the next sign of life, which nobody reads any more.
    assert eventually(lambda: post(shared_server, address, shared_server.key).status_code == 404)


def test_only_the_person_or_an_operator_opens_a_stream(shared_server):
    created = shared_server.call("POST", "/users", json={"user_id": f"u-{uuid.uuid4().hex[:8]}"})
    headers = {"Authorization": f"Bearer {created['api_key']}"}

    answer = requests.get(
        f"{shared_server.url}/mcp/cursor/sse/default_user", headers=headers, timeout=SECONDS
    )

    assert answer.status_code == 403


def post(server, address, key):
    return requests.post(
        f"{server.url}{address}",
        json={"jsonrpc": "2.0", "id": 7, "method": "ping"},
        headers={"Authorization": f"Bearer {key}"},
        timeout=SECONDS,
    )


@pytest.mark.parametrize("end", ["revoked", "expired", "deactivated"])
def test_a_stream_ends_soon_after_its_key(end, shared_server):
    user_id = f"stream-{end}"
    secret = shared_server.make_key(user_id)
    headers = {"Authorization": f"Bearer {secret}"}
    call = partial(requests.request, headers=headers, timeout=SECONDS)
    if end == "expired":
        soon = datetime.now(UTC) + timedelta(seconds=5)
        made = call("POST", f"{shared_server.url}/api/v1/keys", json={"expires_at": str(soon)})
        headers["Authorization"] = f"Bearer {made.json()['api_key']}"
    stream = call("GET", f"{shared_server.url}/mcp/cursor/sse/{user_id}", stream=True)
    assert next(lines(stream)) == "event: endpoint"

    if end == "revoked":
        [key] = call("GET", f"{shared_server.url}/api/v1/keys").json()["items"]
        assert call("DELETE", f"{shared_server.url}/api/v1/keys/{key['id']}").status_code == 204
    elif end == "deactivated":
        shared_server.output_of("shell", "--command", DEACTIVATE.format(user_id))

    assert all(line.startswith((":", "data:")) for line in lines(stream))  # until its end
