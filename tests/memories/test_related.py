"""Related memories of somebody who has many: the first hundred, by an index where there is one."""

import pytest

from memories.models import Category, Embedding, EmbeddingSpace, Memory, UserIndex
from memories.models.memory import MemoryQuerySet
from memories.search import related as related_module
from memories.search.related import find_related
from memories.vectors.user_index import drop_leftovers, sync_index
from tests.memories.stock import stock

# An index cannot be built concurrently inside of the transaction of a test.
pytestmark = [pytest.mark.django_db(transaction=True, serialized_rollback=True), pytest.mark.slow]


@pytest.fixture
def drinks(alice) -> list[Memory]:
    """Of 150 memories all are about drinks, and the last ten about preferences as well."""
    memories = stock(alice.user, [f"Tea number {number}." for number in range(150)])
    common, rare = Category.objects.get_or_create_many(["drinks", "preferences"])
    for number, memory in enumerate(memories):
        memory.add_categories([common, rare] if number >= 140 else [common])
    return memories


@pytest.fixture
def indexed(alice, settings, monkeypatch):
    """Alice has outgrown exact search, and her categories are crowded."""
    settings.EXACT_SEARCH_LIMIT = 100
    monkeypatch.setattr(related_module, "EXACT_LIMIT", 100)
    sync_index(alice.user, EmbeddingSpace.objects.current())
    yield
    UserIndex.objects.all().delete()
    drop_leftovers()


def hers(alice) -> MemoryQuerySet:
    return Memory.objects.owned_by(alice.user).active()


def distance(one: Memory, other: Memory) -> float:
    vectors = dict(
        Embedding.objects.filter(memory__in=[one, other]).values_list("memory", "vector")
    )
    return 1 - sum(a * b for a, b in zip(vectors[one.pk], vectors[other.pk], strict=True))


def test_the_most_related_are_found_and_counted(alice, drinks):
    page = alice.get(f"/memories/{drinks[-1].pk}/related?page=20").json()

    assert (page["total"], page["pages"], len(page["items"])) == (100, 20, 5)


def test_the_index_brings_what_comparing_all_finds(alice, drinks, indexed, monkeypatch):
    by_index = list(find_related(drinks[-1], among=hers(alice)))
    monkeypatch.setattr(related_module, "EXACT_LIMIT", 1000)
    compared = list(find_related(drinks[-1], among=hers(alice)))

    assert set(compared[:9]) == set(drinks[140:149])
    assert by_index[:9] == compared[:9]
    assert len(by_index) == len(compared) == 100
    assert len(set(by_index) & set(compared)) >= 90
    for related in (by_index, compared):
        far = [distance(drinks[-1], memory) for memory in related[9:]]
        assert far == sorted(far)


def test_where_the_index_brings_too_few_all_are_compared(alice, drinks, indexed):
    last = [memory.pk for memory in drinks[100:]]

    related = find_related(drinks[-1], among=hers(alice).filter(pk__in=last))

    assert {memory.pk for memory in related} == set(last[:-1])


def test_a_memory_without_a_vector_is_related_too(alice, drinks):
    Embedding.objects.filter(memory__in=[drinks[-1], drinks[-2]]).delete()

    related = [memory.pk for memory in find_related(drinks[-1], among=hers(alice))]
    assert related[:9] == [memory.pk for memory in drinks[-2:-11:-1]]  # the newest first
    assert find_related(drinks[-3], among=hers(alice))[8].pk in {drinks[-1].pk, drinks[-2].pk}
