"""Categories are merged and renamed, and no memory is lost."""

from __future__ import annotations

import threading
from uuid import uuid4

import pytest
from django.db import connection, transaction

from memories.categories.merge import (
    CategoryMerged,
    MergeResult,
    NameTaken,
    NothingToMerge,
    free_former_name,
    merge_categories,
    rename_category,
)
from memories.models import ArchivePolicy, Categorization, Category, CategoryNotFound, Memory
from memories.taxonomy import InvalidCategoryName
from tests.backups.archive_factory import Original
from tests.backups.imports import imported, send
from tests.deadline import SECONDS
from tests.memories.stock import stock
from tests.wait import until_somebody_waits

pytestmark = pytest.mark.django_db


def categories(*names: str) -> list[Category]:
    return [Category.objects.create(name=name) for name in names]


def names_of(memory: Memory) -> list[str]:
    return sorted(memory.categories.values_list("name", flat=True))


def test_a_merge_moves_all_memories_of_everybody(alice, bob):
    trips, travel = categories("trips", "travel")
    one, two = stock(alice.user, ["To Lisbon.", "To Oslo."])
    [other] = stock(bob.user, ["To Quito."])
    one.add_categories([trips])
    two.add_categories([trips, travel])
    other.add_categories([trips])

    assert merge_categories([trips.pk], into=travel.pk) == MergeResult(
        travel, moved=2, duplicates=1
    )

    assert [names_of(memory) for memory in (one, two, other)] == [["travel"]] * 3
    assert Categorization.objects.get(memory=other).user == bob.user


def test_several_are_merged_at_once(alice):
    one, two, into = categories("trips", "journeys", "travel")
    [memory] = stock(alice.user, ["To Lisbon."])
    memory.add_categories([one, two])

    merge_categories([one.pk, two.pk, into.pk], into=into.pk)

    assert names_of(memory) == ["travel"]
    assert list(Category.objects.canonical()) == [into]


def test_a_merged_name_leads_to_its_category(alice):
    trips, travel = categories("trips", "travel")
    merge_categories([trips.pk], into=travel.pk)

    assert Category.objects.get_or_create_many(["trips", "travel", "food"]) == [
        travel, Category.objects.get(name="food"),
    ]  # fmt: skip
    assert Category.objects.get_or_create_by_name(["trips"]) == {"trips": travel}


def test_former_names_go_along_with_a_later_merge():
    one, two, three = categories("a", "b", "c")
    merge_categories([one.pk], into=two.pk)

    merge_categories([two.pk], into=three.pk)

    assert Category.objects.get_or_create_many(["a", "b"]) == [three]


def test_a_memory_that_is_put_into_a_merged_category_goes_where_that_went(alice):
    trips, travel = categories("trips", "travel")
    [memory] = stock(alice.user, ["To Lisbon."])
    merge_categories([trips.pk], into=travel.pk)

    memory.add_categories([trips, travel])  # as it was looked up before

    assert names_of(memory) == ["travel"]


def test_there_have_to_be_two_that_are_there():
    trips, travel, food = categories("trips", "travel", "food")
    merge_categories([trips.pk], into=travel.pk)

    with pytest.raises(NothingToMerge):
        merge_categories([travel.pk], into=travel.pk)
    with pytest.raises(CategoryNotFound):
        merge_categories([uuid4()], into=travel.pk)
    with pytest.raises(CategoryNotFound):
        merge_categories([travel.pk], into=uuid4())
    with pytest.raises(CategoryMerged):
        merge_categories([trips.pk], into=food.pk)
    with pytest.raises(CategoryMerged):
        merge_categories([food.pk], into=trips.pk)


def test_a_merge_takes_as_many_statements_whatever_it_moves(alice, django_assert_num_queries):
    trips, travel = categories("trips", "travel")
    for memory in stock(alice.user, [f"Number {n}." for n in range(50)]):
        memory.add_categories([trips])

    with django_assert_num_queries(10):
        assert merge_categories([trips.pk], into=travel.pk).moved == 50


def test_a_renamed_category_keeps_its_id_its_memories_and_its_former_name(alice):
    [travel] = categories("travel")
    [memory] = stock(alice.user, ["To Lisbon."])
    memory.add_categories([travel])

    assert rename_category(travel.pk, "  Far  Away ").name == "far away"

    assert names_of(memory) == ["far away"]
    assert Category.objects.get_or_create_many(["travel"]) == [travel]


def test_a_name_can_be_taken_back():
    [travel] = categories("travel")
    rename_category(travel.pk, "trips")

    rename_category(travel.pk, "travel")

    assert set(Category.objects.values_list("name", "merged_into")) == {
        ("travel", None), ("trips", travel.pk),
    }  # fmt: skip


def test_giving_a_category_the_name_it_has_changes_nothing():
    [travel] = categories("travel")

    rename_category(travel.pk, "Travel")

    assert Category.objects.count() == 1


def test_a_taken_name_is_refused_and_says_whose_it_is():
    trips, travel, food = categories("trips", "travel", "food")
    merge_categories([trips.pk], into=travel.pk)

    for name in ("travel", "trips"):
        with pytest.raises(NameTaken) as refusal:
            rename_category(food.pk, name)
        assert refusal.value.other == travel
    assert Category.objects.get(pk=food.pk).name == "food"


@pytest.mark.parametrize("name", ["", "  ", "a,b", "a" * 101, "a\0b"])
def test_a_name_that_is_none_is_refused(name):
    [food] = categories("food")

    with pytest.raises(InvalidCategoryName):
        rename_category(food.pk, name)


def test_a_released_name_is_that_of_a_category_of_its_own_again(alice):
    trips, travel = categories("trips", "travel")
    [memory] = stock(alice.user, ["To Lisbon."])
    memory.add_categories([trips])
    merge_categories([trips.pk], into=travel.pk)

    free_former_name(trips.pk)
    free_former_name(travel.pk)  # which is no former name

    [recreated] = Category.objects.get_or_create_many(["trips"])
    assert (recreated.name, recreated.merged_into) == ("trips", None)
    assert names_of(memory) == ["travel"]


def test_an_archive_of_before_the_merge_comes_into_the_merged_category(alice):
    pets, animals = categories("pet care", "animals")
    merge_categories([pets.pk], into=animals.pk)
    original = Original("alice")

    imported(send(alice, original.zipped()))
    again = imported(send(alice, original.zipped()))

    assert names_of(Memory.objects.get(pk=original.memories[0]["id"])) == ["animals"]
    assert not Categorization.objects.filter(category=pets).exists()
    assert again["memories_unchanged"] == 4


def test_policies_about_a_merged_category_are_about_the_other_one_from_then_on():
    trips, travel = categories("trips", "travel")
    policy = ArchivePolicy.objects.create(days=30, category=trips)

    merge_categories([trips.pk], into=travel.pk)

    policy.refresh_from_db()
    assert policy.category == travel


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_who_puts_a_memory_into_a_category_meanwhile_is_waited_for(alice):
    trips, travel = categories("trips", "travel")
    [memory] = stock(alice.user, ["To Lisbon."])
    merging = threading.Thread(target=_merge, args=(trips, travel))

    with transaction.atomic():
        memory.add_categories([trips])
        merging.start()
        until_somebody_waits()
    merging.join(timeout=SECONDS)

    assert names_of(memory) == ["travel"]


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_who_puts_a_memory_into_a_category_waits_for_its_merge(alice):
    trips, travel = categories("trips", "travel")
    one, two = stock(alice.user, ["To Lisbon.", "To Oslo."])
    one.add_categories([trips])
    revising = threading.Thread(target=_move, args=(one, trips))

    with transaction.atomic():
        merge_categories([trips.pk], into=travel.pk)
        revising.start()
        until_somebody_waits()
    revising.join(timeout=SECONDS)

    assert names_of(one) == ["travel"]
    assert names_of(two) == []


def _merge(source: Category, target: Category) -> None:
    try:
        merge_categories([source.pk], into=target.pk)
    finally:
        connection.close()


def _move(memory: Memory, category: Category) -> None:
    try:
        with transaction.atomic():
            Memory.objects.select_for_update().get(pk=memory.pk).replace_categories([category])
    finally:
        connection.close()
