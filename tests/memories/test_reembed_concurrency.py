"""What others see while the embedding model is changed."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from jobs.claim import claim
from jobs.models import Job
from jobs.runner import run
from memories.models import EmbeddingSpace
from memories.vectors.migration import reembed_job, switch
from tests.deadline import SECONDS
from tests.memories.spaces import LOCAL, choose, fake, found_by, remote, states
from tests.memories.stock import stock

__all__ = ["fake"]

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

MEMORIES = 60


def until(over: threading.Event, act: Callable[[int], None]) -> int:
    """Do it again and again, and say how often."""
    times = 0
    try:
        while not over.is_set():
            act(times)
            times += 1
    finally:
        connection.close()
    return times


@pytest.mark.slow
def test_no_search_fails_and_no_memory_is_missing(alice, bob, olga, fake):
    texts = [f"Tea number {number}." for number in range(MEMORIES)]
    stock(alice.user, texts)
    fake.delay = 0.05  # so that it takes a while
    over = threading.Event()

    def search_by_meaning(_: int) -> None:
        assert set(found_by(alice, "coffee", top_k=100)) == set(texts)

    def remember_and_search(number: int) -> None:
        text = f"The samovar number {number} is from Tula."
        bob.remember(text)
        assert text in found_by(bob, text, top_k=5)

    with ThreadPoolExecutor() as threads:
        searching = threads.submit(until, over, search_by_meaning)
        remembering = threads.submit(until, over, remember_and_search)
        try:
            for embedder in (remote(fake), LOCAL):
                choose(olga, embedder)
                run(claim("long"))  # and none of those that embed what is remembered meanwhile
        finally:
            over.set()
        assert searching.result() > 5
        assert remembering.result() > 5
    assert Job.objects.filter(kind="reembed", state="succeeded").count() == 2
    assert states() == {"bge-small-en-v1.5": "active", "other": "kept"}


def test_it_waits_to_switch_for_who_is_putting_down_memories(monkeypatch, alice, olga, fake):
    monkeypatch.setattr(reembed_job, "SWITCH_RETRY_SECONDS", 0.02)
    holding, tried = threading.Event(), threading.Event()
    monkeypatch.setattr(
        reembed_job, "lock_out_writers", lambda: (tried.set(), switch.lock_out_writers())
    )
    choose(olga, remote(fake))

    def remember_slowly() -> None:
        """Like a process that stands still between what it knows of spaces and its commit."""
        with transaction.atomic():
            assert len(EmbeddingSpace.objects.lock_written()) == 1
            holding.set()
            assert tried.wait(SECONDS)
            assert states() == {"bge-small-en-v1.5": "active", "other": "filling"}
            stock(alice.user, ["I drink tea."])
        connection.close()

    with ThreadPoolExecutor() as threads:
        remembering = threads.submit(remember_slowly)
        assert holding.wait(SECONDS)
        reembedding = threads.submit(run_long)
        remembering.result()
        reembedding.result()

    assert states() == {"bge-small-en-v1.5": "kept", "other": "active"}
    assert not EmbeddingSpace.objects.current().unembedded().exists()


def run_long() -> None:
    run(claim("long"))
    connection.close()
