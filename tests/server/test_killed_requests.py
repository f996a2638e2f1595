"""Requests whose server is killed: sent again with their idempotency key, they are done once."""

import threading
import time
import uuid

import pytest
import requests

from tests.deadline import SECONDS, eventually

CLIENTS = 20
MEMORIES = 10


@pytest.fixture
def killed_server(shared_server):
    """The shared server, which runs as before in the end."""
    yield shared_server
    assert eventually(shared_server.is_ready)


def kill_web_processes(server):
    """Kill those that answer. Their parent starts others."""
    for process in server.child("server.all_in_one").children():
        if process.name() == "openmemory-web":
            process.kill()


def send_until_answered(server, secret, key, body, answers):
    headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": key}
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        try:
            answer = requests.post(
                f"{server.url}/api/v1/memories/bulk", json=body, headers=headers, timeout=SECONDS
            )
        except requests.ConnectionError:
            time.sleep(0.2)
            continue
        if answer.status_code == 200:
            answers.append(answer)
            return
        assert answer.status_code in (409, 429, 503), answer.text
        time.sleep(int(answer.headers["Retry-After"]))


def test_twenty_clients_of_a_killed_server_get_one_answer(killed_server):
    secret = killed_server.make_key(f"killed-{uuid.uuid4().hex[:8]}")
    texts = [{"text": f"Plant {n} needs water", "infer": False} for n in range(MEMORIES)]
    answers = []
    arguments = (killed_server, secret, str(uuid.uuid4()), {"memories": texts}, answers)
    clients = [threading.Thread(target=send_until_answered, args=arguments) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    time.sleep(0.3)  # any moment will do
    kill_web_processes(killed_server)
    for client in clients:
        client.join()

    assert len(answers) == CLIENTS
    assert len({answer.content for answer in answers}) == 1
    headers = {"Authorization": f"Bearer {secret}"}
    url = f"{killed_server.url}/api/v1/memories"
    listed = requests.get(url, headers=headers, timeout=SECONDS).json()
    assert listed["total"] == MEMORIES
    ids = {result["id"] for result in answers[0].json()["results"]}
    assert {item["id"] for item in listed["items"]} <= ids
