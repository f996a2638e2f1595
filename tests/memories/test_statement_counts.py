"""How many statements a request takes, and that what they are compiled to says the same."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps_registry.models import AccessRule, App
from memories.access import readable
from memories.access.reader import Reader
from memories.access.shown import load_shown
from memories.models import EmbeddingSpace, Memory, MemoryNotFound, State
from memories.search.lexemes import parse_terms, query_lexemes
from memories.search.query import Query
from memories.serializers import MemoryItemSerializer, MemorySerializer, show, show_item
from tests.deadline import eventually
from tests.memories.stock import stock


@pytest.fixture
def used(alice):
    """A key whose use has just been recorded."""
    alice.get("/users/me")
    return alice


@pytest.fixture
def readers(alice, bob):
    """Alice, what she may see of her expired memories, an app, and one that reads by rules."""
    for text in ("I like tea.", "Green tea.", "Black tea."):
        alice.remember(text, app="kettle", actor="Ana", conversation="talk")
    bob.remember("Bob's tea.")
    kettle = App.objects.get(name="kettle")
    cup = App.objects.create(owner=alice.user, name="cup")
    expired, archived, _ = Memory.objects.owned_by(alice.user)
    Memory.objects.filter(pk=expired.pk).update(expires_at=timezone.now() - timedelta(days=1))
    alice.remember("More tea.", supersedes=[str(archived.pk)])
    AccessRule.objects.create(app=cup, memory_id=archived.pk, effect="deny")
    return [
        Reader(alice.user),
        Reader(alice.user, sees_expired=True),
        Reader(alice.user, kettle, sees_expired=True),
        Reader(alice.user, cup),
    ]


def shown(memories) -> list[dict]:
    return [show(memory) for memory in memories]


def test_what_is_compiled_once_reads_what_a_reader_may_read(readers):
    ids = list(Memory.objects.values_list("pk", flat=True))
    for reader in readers:
        newest = reader.memories().active().order_by("-created_at", "id")
        listed = readable.NewestFirst(reader)

        assert shown(listed[0:10]) == shown(newest.with_relations())
        assert shown(listed[1:2]) == shown(newest.with_relations()[1:2])
        assert listed.count() == newest.count()
        loaded = readable.load_active(ids, reader)
        assert loaded.keys() == set(newest.values_list("pk", flat=True))
        assert all(show(loaded[memory.pk]) == show(memory) for memory in newest.with_relations())
        for pk in ids:
            expected = reader.memories().with_relations().filter(pk=pk).first()
            if expected is None:
                with pytest.raises(MemoryNotFound):
                    readable.load_one(pk, reader)
            else:
                assert show(readable.load_one(pk, reader)) == show(expected)
                again = load_shown(pk, app=reader.app)
                assert show(again) == show(expected)
                assert again.version == expected.version


def test_a_memory_is_shown_as_its_serializer_says(readers, alice):
    alice.remember("Mate.", metadata={"k": [1, {"m": None}]}, valid_from=1, valid_until=2)
    for memory in Memory.objects.with_relations():
        assert show(memory) == MemorySerializer(memory).data
        assert list(show(memory)) == list(MemorySerializer(memory).data)
        assert show_item(memory) == MemoryItemSerializer(memory).data


def test_what_an_empty_request_takes(used, django_assert_num_queries):
    with django_assert_num_queries(1):  # the key
        used.get("/users/me")


def test_what_a_memory_takes(used, django_assert_num_queries):
    pk = used.remember("I like tea.")["id"]
    with django_assert_num_queries(2):  # the key, the memory
        assert used.get(f"/memories/{pk}").status_code == 200


def test_what_a_list_takes(used, django_assert_num_queries):
    stock(used.user, [f"Tea {number}." for number in range(60)])
    with django_assert_num_queries(3):  # the key, the page, the total
        assert len(used.get("/memories", {"page_size": 50}).json()["items"]) == 50


def test_what_a_search_takes(used, django_assert_num_queries):
    stock(used.user, [f"Tea {number}." for number in range(60)])
    used.post("/memories/search", {"query": "mate", "min_score": 0})  # reads the space
    # The key; the words counted, and whether the space is still the one; the candidates, with
    # their tokens in English; what is shown, and its log.
    for query in ("té verde", "What tea do I drink?"):
        with django_assert_num_queries(5):
            used.post("/memories/search", {"query": query, "min_score": 0})
    stock(used.user, [f"More tea {number}." for number in range(9)], actor="Ana", conversation="c")
    with django_assert_num_queries(6):  # and with their neighbours
        used.post("/memories/search", {"query": "What tea do I drink?", "min_score": 0})


def test_a_search_notices_at_once_that_another_space_is_searched(used):
    used.remember("I like tea.")
    assert used.post("/memories/search", {"query": "tea"}).json()["results"]
    space = EmbeddingSpace.objects.current()

    # As another process does it.
    EmbeddingSpace.objects.filter(pk=space.pk).update(state="kept")
    other = EmbeddingSpace.objects.create(
        provider=space.provider, model=space.model, dimensions=64, state="active"
    )

    for _ in range(2):
        query = Query.of(Reader(used.user), "tea")
        assert (query.space, query.space.dimensions) == (other, 64)

    EmbeddingSpace.objects.filter(pk=other.pk).update(reach={"batch_size": 3})
    assert Query.of(Reader(used.user), "tea").space.reach == {"batch_size": 3}


def test_what_an_update_takes(used, django_assert_max_num_queries):
    pk = used.remember("I like tea.")["id"]
    with django_assert_max_num_queries(19):
        assert used.put(f"/memories/{pk}", {"memory_content": "I drink mate."}).status_code == 200


def test_memories_put_aside_take_no_places_of_others(alice):
    """However near they are: more of them than are compared at first."""
    question = "Was trinke ich?"
    vector = EmbeddingSpace.objects.current().embedder.embed_query(question)
    aside = stock(alice.user, ["Tea."] * 260, vectors=[vector] * 260)
    others = stock(alice.user, [f"Mate {number}." for number in range(30)])
    Memory.objects.filter(pk__in=[memory.pk for memory in aside]).change_state(
        State.ARCHIVED, by=alice.user
    )
    stock(alice.user, [f"Coffee {number}." for number in range(200)], vectors=[-vector] * 200)

    body = {"query": question, "top_k": 100, "min_score": 0}
    found = {result["id"] for result in alice.post("/memories/search", body).json()["results"]}

    assert len(found) == 100
    assert {str(memory.pk) for memory in others} <= found


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_words_are_counted_anew_once_anything_has_changed(alice):
    def counts(reader: Reader, text: str = "green tea") -> tuple[list[int], int]:
        space = EmbeddingSpace.objects.current()
        found = query_lexemes(parse_terms(text), reader=reader, space=space)
        by_word = {lexeme.text: lexeme.document_frequency for lexeme in found.known}
        return [by_word.get(word, 0) for word in ("green", "tea")], found.memories

    reader = Reader(alice.user)
    memories = stock(alice.user, ["Green tea.", "Black tea.", "Coffee."])
    assert counts(reader) == ([1, 2], 3)
    assert counts(reader, "coffee") == ([0, 0], 3)
    with CaptureQueriesContext(connection) as repeated:
        assert counts(reader) == ([1, 2], 3)
    assert "unnest('{}'::text[])" in repeated[-1]["sql"]  # nothing is counted

    Memory.objects.filter(pk=memories[0].pk).change_state(State.PAUSED, by=alice.user)
    assert counts(reader) == ([0, 1], 2)
    stock(alice.user, ["More green tea."])
    assert counts(reader) == ([1, 2], 3)
    cup = App.objects.create(owner=alice.user, name="cup")
    assert counts(Reader(alice.user, cup)) == ([1, 2], 3)
    AccessRule.objects.create(app=cup, memory_id=memories[1].pk, effect="deny")
    assert counts(Reader(alice.user, cup)) == ([1, 1], 2)
    soon = timezone.now() + timedelta(seconds=1)
    Memory.objects.filter(pk=memories[1].pk).update(expires_at=soon, updated_at=timezone.now())
    assert counts(reader) == ([1, 2], 3)
    assert eventually(lambda: counts(reader) == ([1, 1], 2))
    assert counts(Reader(alice.user, sees_expired=True)) == ([1, 2], 3)
