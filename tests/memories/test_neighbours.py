import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps_registry.models import AccessRule, App, Effect
from memories.access.reader import Reader
from memories.models import Memory, State
from memories.search.neighbours import SCANNED_PER_PLACE, Neighbour, find_neighbours
from tests.memories.stock import BEGINNING, stock


def say(member, count: int, **fields) -> list[Memory]:
    """A conversation of so many memories, a minute between them."""
    texts = [f"Sentence {number}." for number in range(count)]
    return stock(member.user, texts, **{"actor": "Ana", **fields})


def places_around(memory: Memory, *, places: int = 2, among=None) -> dict[int, uuid.UUID]:
    readable = Memory.objects.owned_by(memory.user).active() if among is None else among
    neighbours = find_neighbours([memory.pk], places=places, among=readable)
    return {neighbour.place: neighbour.pk for neighbour in neighbours.get(memory.pk, [])}


def test_the_places_before_and_after_a_memory_are_found_in_order(alice):
    first, second, third, fourth, fifth = say(alice, 5)

    neighbours = find_neighbours([third.pk, first.pk], places=2, among=Memory.objects.all())

    assert [(neighbour.place, neighbour.pk) for neighbour in neighbours[third.pk]] == [
        (-2, first.pk), (-1, second.pk), (1, fourth.pk), (2, fifth.pk)
    ]  # fmt: skip
    assert [(neighbour.place, neighbour.pk) for neighbour in neighbours[first.pk]] == [
        (1, second.pk), (2, third.pk)
    ]  # fmt: skip


def test_what_was_said_in_one_moment_stands_in_the_order_of_arrival(alice):
    memories = say(alice, 3)
    Memory.objects.update(created_at=BEGINNING)
    for arrival, memory in enumerate([memories[1], memories[2], memories[0]]):
        Memory.objects.filter(pk=memory.pk).update(arrival=arrival)

    assert places_around(memories[2]) == {-1: memories[1].pk, 1: memories[0].pk}


def test_what_also_arrived_at_once_stands_in_the_order_of_ids(alice):
    memories = say(alice, 3)
    Memory.objects.update(created_at=BEGINNING, arrival=0)
    first, second, third = sorted(memory.pk for memory in memories)

    middle = Memory.objects.get(pk=second)

    assert places_around(middle) == {-1: first, 1: third}


def test_a_fact_has_no_neighbours_and_is_none(alice):
    fact, said_after = stock(alice.user, ["A fact."])[0], say(alice, 1)[0]

    assert places_around(fact) == {}
    assert places_around(said_after) == {}


def test_a_named_conversation_goes_on_after_any_time(alice):
    first, second = say(alice, 2, conversation="c1", actor="")
    Memory.objects.filter(pk=second.pk).update(created_at=BEGINNING + timedelta(days=400))
    say(alice, 3, conversation="c2")
    say(alice, 3)

    assert places_around(first) == {1: second.pk}


@pytest.mark.parametrize(("minutes", "is_near"), [(30, True), (31, False)])
def test_without_a_name_only_what_was_said_within_half_an_hour_is_near(alice, minutes, is_near):
    first, second = say(alice, 2)
    Memory.objects.filter(pk=second.pk).update(created_at=BEGINNING + timedelta(minutes=minutes))
    second.refresh_from_db()

    assert places_around(first) == ({1: second.pk} if is_near else {})
    assert places_around(second) == ({-1: first.pk} if is_near else {})


def test_other_apps_and_other_people_are_in_no_conversation_with_it(alice, bob):
    mine, other = say(alice, 2, conversation="c")
    Memory.objects.filter(pk=other.pk).update(app=App.objects.create(owner=alice.user, name="x"))
    say(bob, 2, conversation="c")

    assert places_around(mine, among=Memory.objects.all()) == {}


@pytest.mark.parametrize("state", [State.PAUSED, State.ARCHIVED, State.DELETED])
def test_what_is_not_active_takes_no_place(alice, state):
    first, second, third = say(alice, 3)
    Memory.objects.filter(pk=second.pk).update(state=state)

    assert places_around(first) == {1: third.pk}


def test_what_an_app_may_not_read_takes_no_place(alice):
    first, second, third = say(alice, 3)
    AccessRule.objects.create(app=first.app, memory_id=second.pk, effect=Effect.DENY)

    readable = Memory.objects.owned_by(alice.user).active().readable_by(first.app)

    assert places_around(first, among=readable) == {1: third.pk}


def test_only_so_many_unreadable_memories_are_passed_over(alice):
    first, *hidden = say(alice, SCANNED_PER_PLACE + 2, conversation="c")
    last = hidden.pop()
    among = Memory.objects.exclude(pk__in=[memory.pk for memory in hidden[1:]])

    assert places_around(first, places=1, among=among) == {1: hidden[0].pk}
    assert places_around(first, places=1, among=among.exclude(pk=hidden[0].pk)) == {}
    assert places_around(first, places=2, among=among) == {1: hidden[0].pk, 2: last.pk}


def test_any_number_of_memories_is_passed_over_that_the_app_may_not_read(alice):
    first, *hidden, last = say(alice, 5 * SCANNED_PER_PLACE, conversation="c")
    AccessRule.objects.bulk_create(
        AccessRule(app=first.app, memory_id=memory.pk, effect=Effect.DENY) for memory in hidden
    )
    reader = Reader(alice.user, first.app)

    neighbours = find_neighbours(
        [first.pk, last.pk], places=1, among=reader.memories().active(), reader=reader
    )

    assert neighbours == {first.pk: [Neighbour(last.pk, 1)], last.pk: [Neighbour(first.pk, -1)]}


def test_many_memories_have_their_neighbours_found_in_one_statement(alice):
    memories = say(alice, 40)

    with CaptureQueriesContext(connection) as context:
        neighbours = find_neighbours(
            [memory.pk for memory in memories], places=3, among=Memory.objects.all()
        )

    assert len(context) == 1
    assert sum(len(places) for places in neighbours.values()) == 6 * 40 - 2 * (3 + 2 + 1)


def test_nothing_is_asked_where_nothing_is_wanted(alice, django_assert_num_queries):
    [memory] = say(alice, 1)

    with django_assert_num_queries(0):
        assert find_neighbours([], places=3, among=Memory.objects.all()) == {}
        assert find_neighbours([memory.pk], places=0, among=Memory.objects.all()) == {}
