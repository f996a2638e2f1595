"""How many memories have a vector is told exactly of few, and about right of many."""

from __future__ import annotations

import pytest
from django.db import connection

from memories.models import Embedding, EmbeddingSpace, Memory, State
from memories.vectors import coverage
from tests.memories.stock import stock

pytestmark = pytest.mark.slow


def test_of_few_memories_it_is_counted(alice):
    memories = stock(alice.user, [f"Number {n}." for n in range(10)])
    Embedding.objects.filter(memory__in=memories[:3]).delete()
    Memory.objects.filter(pk=memories[9].pk).change_state(State.DELETED, by=alice.user)
    space = EmbeddingSpace.objects.current()

    found = coverage.estimate_coverage()

    assert (found.of(space.pk), found.memories, found.exact) == (6, 9, True)
    assert found.share(space.pk) == pytest.approx(6 / 9)


def test_of_many_some_are_looked_at(alice, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(coverage, "MAX_COUNTED", 300)
    monkeypatch.setattr(coverage, "SAMPLE_SIZE", 200)
    memories = stock(alice.user, [f"Number {n}." for n in range(1000)])
    Embedding.objects.filter(memory__in=memories[:500]).delete()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE memories_memory")
    space = EmbeddingSpace.objects.current()

    with django_assert_num_queries(3):
        found = coverage.estimate_coverage()

    assert not found.exact
    assert found.memories == 1000
    assert 0.3 < found.share(space.pk) < 0.7


def test_without_memories_nothing_is_missing(db):
    found = coverage.estimate_coverage()

    assert (found.memories, found.share(1), found.exact) == (0, 1.0, True)
