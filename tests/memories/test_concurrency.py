"""Concurrent requests on the same memories."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Barrier

import pytest
from django.db import connections

from apps_registry.models import App
from memories.access.log import log_accesses
from memories.models import (
    Access,
    Categorization,
    FirstAccess,
    Memory,
    Revision,
    State,
    StateChange,
)
from tests.deadline import SECONDS
from tests.memories.stock import stock

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

THREADS = 4


def at_once(*works):
    """Do each in a thread of its own, all from the same moment on."""
    together = Barrier(len(works))

    def working(work):
        try:
            together.wait(SECONDS)
            work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        list(pool.map(working, works))


def test_each_change_records_the_state_that_it_really_left(alice):
    memories = stock(alice.user, [f"Number {number}." for number in range(40)])

    def changing(state):
        def change():
            for _ in range(5):
                Memory.objects.owned_by(alice.user).change_state(state, by=alice.user)

        return change

    at_once(*map(changing, [State.PAUSED, State.ARCHIVED, State.ACTIVE, State.DELETED]))

    for memory in memories:
        memory.refresh_from_db()
        history = StateChange.objects.filter(memory=memory).order_by("id")
        steps = [("", "active"), *history.values_list("old_state", "new_state")]
        assert all(was[1] == left[0] for was, left in pairwise(steps)), steps
        assert memory.state == steps[-1][1]


def test_a_memory_that_several_searches_find_at_once_is_counted_once_for_their_app(alice):
    memories = stock(alice.user, [f"Number {number}." for number in range(60)])
    app = App.objects.get(owner=alice.user)

    def reading(number):
        def read():
            mine = memories[number * 10 : number * 10 + 30]
            for start in range(0, 30, 5):
                found = mine[start : start + 5]
                log_accesses(found[:: 1 if number % 2 else -1], app=app, access_type="search")

        return read

    at_once(*map(reading, range(THREADS)))

    app.refresh_from_db()
    assert app.memories_read == FirstAccess.objects.count() == 60
    assert Access.objects.filter(app=app).count() == THREADS * 30


def test_requests_that_create_the_same_categories_at_once_all_succeed(alice):
    memories = [alice.remember(f"Number {number}.", infer=False) for number in range(THREADS)]
    names = [f"category {number}" for number in range(60)]
    statuses = []

    def giving(place, memory):
        ordered = names if place % 2 else names[::-1]

        def give():
            answer = alice.patch(f"/memories/{memory['id']}", {"categories": ordered})
            statuses.append(answer.status_code)

        return give

    at_once(*(giving(place, memory) for place, memory in enumerate(memories)))

    assert statuses == [200] * THREADS
    assert Categorization.objects.count() == THREADS * len(names)


def test_edits_of_one_memory_at_once_lose_nothing(alice):
    memory = alice.remember("Number 0.", infer=False)

    def editing(number):
        def edit():
            for step in range(3):
                text = {"text": f"Writer {number}, {step}."} if number == 0 else {}
                body = {"metadata": {f"{number}-{step}": True}, **text}
                assert alice.patch(f"/memories/{memory['id']}", body).status_code == 200

        return edit

    at_once(*map(editing, range(THREADS)))

    stored = Memory.objects.get()
    assert len(stored.metadata) == THREADS * 3
    assert stored.content == "Writer 0, 2."
    revisions = list(Revision.objects.filter(memory=stored).order_by("id"))
    assert [len(revision.metadata) for revision in revisions] == list(range(THREADS * 3))
    assert stored.version == 1 + THREADS * 3
