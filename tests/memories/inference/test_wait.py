"""`Prefer: wait=N`: a response that waits for the facts."""

import threading
from collections.abc import Iterator

import pytest
from django.db import connection

from jobs.runner import run_due

pytestmark = pytest.mark.slow


@pytest.fixture
def worker() -> Iterator[None]:
    """Run what is due, in a thread, for as long as the test takes."""
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(0.02):
            run_due()
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    ended.set()
    thread.join()


def test_who_does_not_wait_is_answered_with_what_was_sent(alice, fake):
    memory = alice.remember("I live in York. My dog is called Rex.")

    assert memory["text"] == "I live in York. My dog is called Rex."


def test_who_waits_no_longer_than_this_is_answered_the_same(alice, fake):
    answer = alice.post("/memories", {"text": "I like tea. Bye!"}, Prefer="wait=1")

    assert answer.status_code == 200
    assert answer.json()["text"] == "I like tea. Bye!"


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_who_waits_is_shown_the_memory_as_it_then_is(alice, fake, worker):
    answer = alice.post("/memories", {"text": "I like tea. Bye!"}, Prefer="wait=60")

    memory = answer.json()
    assert (memory["text"], memory["event"]) == ("I like tea.", "ADD")
    job = alice.get(memory["job"].removeprefix("/api/v1")).json()
    assert (job["state"], job["result"]["added"]) == ("succeeded", [memory["id"]])

    again = alice.post("/memories", {"text": "I like tea!"}, Prefer="wait=60").json()
    assert (again["state"], again["superseded_by"]) == ("archived", memory["id"])
