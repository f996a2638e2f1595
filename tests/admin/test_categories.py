"""The pages of categories: counted, described, renamed and merged."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from memories.admin import counts
from memories.models import Category, Memory
from tests.admin.memories import PRESSED, text_of
from tests.memories.stock import stock

LIST = "/admin/memories/category/"


def page_of(category: Category) -> str:
    return reverse("admin:memories_category_change", args=[category.pk])


def button_of(category: Category, name: str) -> str:
    return reverse(f"admin:memories_category_{name}", args=[category.pk])


def merge_page(*categories: Category) -> str:
    return f"{LIST}merge/?" + "&".join(f"id={category.pk}" for category in categories)


@pytest.fixture
def travel(alice) -> Category:
    category = Category.objects.create(name="travel")
    for memory in stock(alice.user, ["To Lisbon.", "To Oslo."]):
        memory.add_categories([category])
    return category


@pytest.fixture
def trips(bob) -> Category:
    category = Category.objects.create(name="trips")
    [memory] = stock(bob.user, ["To Quito."])
    memory.add_categories([category])
    return category


def test_the_list_counts_and_leaves_former_names_out(browser, travel, trips):
    Category.objects.create(name="journeys", merged_into=travel)

    page = text_of(browser, LIST)

    assert "2 memories" in page
    assert "1 memory" in page
    assert "journeys" not in page


def test_counting_ends_somewhere(browser, travel, monkeypatch):
    monkeypatch.setattr(counts, "MAX_COUNTED", 1)

    assert "more than 1 memories" in text_of(browser, LIST)


def test_the_list_asks_as_many_statements_whatever_it_shows(
    browser, travel, django_assert_max_num_queries
):
    Category.objects.get_or_create_many([f"category {number}" for number in range(60)])
    browser.get(LIST)

    with django_assert_max_num_queries(15):
        text_of(browser, LIST)


def test_a_category_is_described(browser, travel):
    browser.post(page_of(travel), {"description": "Trips and flights."})

    travel.refresh_from_db()
    assert (travel.name, travel.description) == ("travel", "Trips and flights.")
    assert LogEntry.objects.get().object_repr == "travel"


def test_a_category_is_renamed(browser, travel):
    browser.post(button_of(travel, "rename"), {**PRESSED, "name": "Far Away"})

    travel.refresh_from_db()
    assert travel.name == "far away"
    assert "travel" in text_of(browser, page_of(travel))  # its former name
    assert "was renamed" in LogEntry.objects.get().change_message


def test_a_name_that_is_none_is_refused(browser, travel):
    answer = browser.post(button_of(travel, "rename"), {**PRESSED, "name": "a, b"}, follow=True)

    assert "without commas" in answer.content.decode()
    travel.refresh_from_db()
    assert travel.name == "travel"


def test_a_taken_name_leads_to_a_merge(browser, travel, trips):
    answer = browser.post(button_of(trips, "rename"), {**PRESSED, "name": "travel"})

    assert answer.headers["Location"] == merge_page(trips, travel)
    trips.refresh_from_db()
    assert trips.name == "trips"


def test_a_former_name_is_released(browser, travel):
    former = Category.objects.create(name="journeys", merged_into=travel)
    assert "journeys" in text_of(browser, button_of(travel, "free_name"))

    browser.post(button_of(travel, "free_name"), {**PRESSED, "former_name": str(former.pk)})

    assert not Category.objects.filter(pk=former.pk).exists()


def test_what_is_no_former_name_is_not_released(browser, travel, trips):
    answer = browser.post(button_of(travel, "free_name"), {**PRESSED, "former_name": str(trips.pk)})

    assert answer.status_code == 200
    assert Category.objects.filter(pk=trips.pk).exists()


def test_a_merge_is_asked_about_with_numbers_and_then_done(browser, root, travel, trips):
    chosen = {"action": "merge_selected", "_selected_action": [str(travel.pk), str(trips.pk)]}
    asked = browser.post(LIST, chosen, follow=True)
    page = asked.content.decode()
    assert "2 memories" in page
    assert "1 memory" in page
    assert Category.objects.canonical().count() == 2

    browser.post(merge_page(travel, trips), {"into": str(travel.pk)})

    assert list(Category.objects.canonical()) == [travel]
    assert Memory.objects.in_categories(["travel"]).count() == 3
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_repr) == (root, "travel")
    assert "1 memory moved" in entry.change_message


@pytest.mark.parametrize("query", ["", "?id=nobody", "?id=6f7a7e0e-5a3f-4a52-a2a9-6a6c1d2f9a11"])
def test_there_have_to_be_two(browser, travel, query):
    answer = browser.get(f"{LIST}merge/{query}", follow=True)

    assert "Choose at least two" in answer.content.decode()


def test_they_go_into_one_of_those_that_were_named(browser, travel, trips):
    other = Category.objects.create(name="food")

    browser.post(merge_page(travel, trips), {"into": str(other.pk)})

    assert Category.objects.canonical().count() == 3


def test_who_only_sees_can_do_nothing(reading, travel, trips):
    page = text_of(reading, page_of(travel))
    assert button_of(travel, "rename") not in page

    assert reading.post(button_of(travel, "rename"), {**PRESSED, "name": "x"}).status_code == 403
    assert reading.post(button_of(travel, "free_name"), PRESSED).status_code == 403
    assert reading.get(merge_page(travel, trips)).status_code == 403
    answer = reading.post(merge_page(travel, trips), {"into": str(travel.pk)})
    assert answer.status_code == 403
    assert reading.post(page_of(travel), {"description": "x"}).status_code == 403
    travel.refresh_from_db()
    assert (travel.name, travel.description) == ("travel", "")
    assert Category.objects.canonical().count() == 2


def test_strangers_are_sent_to_sign_in(client, travel, trips):
    for address in (LIST, page_of(travel), merge_page(travel, trips)):
        answer = client.post(address, {"into": str(travel.pk)})
        assert "/admin/login/" in answer.headers["Location"]
    assert Category.objects.canonical().count() == 2


def test_no_category_is_deleted_here(browser, travel):
    address = reverse("admin:memories_category_delete", args=[travel.pk])

    assert browser.post(address, {"post": "yes"}).status_code == 403
