"""The list of memories: what operators find there, and do to several at once."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry

from memories.models import Category, Memory, State
from tests.admin.memories import LIST, page_of, select, text_of
from tests.memories.stock import stock

pytestmark = pytest.mark.slow

PAST, FUTURE = "2020-01-01T00:00:00Z", "2090-01-01T00:00:00Z"


def test_the_list_shows_everybodys_memories_with_what_they_begin_with(browser, tea, trip):
    Memory.objects.filter(pk=trip.pk).update(content="Lisbon " * 4000)

    page = text_of(browser, LIST)

    assert "Alice likes green tea." in page
    assert page.count("Lisbon") < 60


def test_a_long_list_says_nothing_of_a_total_and_asks_few_statements(
    browser, alice, django_assert_max_num_queries
):
    stock(alice.user, [f"Number {number}." for number in range(120)])
    browser.get(LIST)

    with django_assert_max_num_queries(14):
        page = text_of(browser, LIST)

    assert page.count("Number ") == 50


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"state__exact": "paused"}, ["Alice likes green tea."]),
        ({"state__exact": "archived"}, []),
        ({"created_at_from": "2000-01-01"}, ["Alice likes green tea.", "Bob travels"]),
        ({"created_at_to": "2000-01-01"}, []),
        ({"created_at_from": "2999-01-01T00:00:00+02:00"}, []),
        ({"created_at_to": "2999-01-01T00:00:00Z"}, ["Alice likes green tea.", "Bob travels"]),
        ({"superseded": "no"}, ["Alice likes green tea.", "Bob travels"]),
        ({"superseded": "yes"}, []),
        ({"actor": "Alice"}, []),  # of nobody in particular, which no index has
    ],
)
def test_filters(browser, tea, trip, query, found):
    Memory.objects.filter(pk=tea.pk).change_state(State.PAUSED, by=tea.user)
    Memory.objects.filter(pk=tea.pk).update(actor="Alice")

    page = text_of(browser, LIST, **query)

    for text in ("Alice likes green tea.", "Bob travels"):
        assert (text in page) == (text in found)


@pytest.mark.parametrize(
    ("value", "fields"),
    [
        ("expired", {"expires_at": PAST}),
        ("expiring", {"expires_at": FUTURE}),
        ("not_yet", {"valid_from": FUTURE}),
        ("no_longer", {"valid_until": PAST}),
        ("immutable", {"immutable": True}),
    ],
)
def test_filters_by_terms(browser, tea, trip, value, fields):
    Memory.objects.filter(pk=tea.pk).update(**fields)

    page = text_of(browser, LIST, terms=value)

    assert "Alice likes green tea." in page
    assert "Bob travels" not in page
    assert ("expired" in page.split("Alice likes green tea.")[1].split("</tr>")[0]) == (
        value == "expired"
    )


def test_the_page_of_a_memory_shows_its_terms(browser, tea):
    Memory.objects.filter(pk=tea.pk).update(expires_at=PAST, immutable=True)

    page = text_of(browser, page_of(tea))

    assert "Expired; before: Active, since" in page
    assert "2020" in page


def test_a_filter_by_no_time_is_refused(browser, tea):
    answer = browser.get(LIST, {"created_at_to": "nonsense"})

    assert (answer.status_code, answer.headers["Location"]) == (302, f"{LIST}?e=1")


def test_an_actor_is_looked_for_in_the_memories_of_one_user(browser, tea):
    assert "Choose a user or an app as well" in text_of(browser, LIST, actor="Alice")
    page = text_of(browser, LIST, actor="Alice", user=tea.user_id)
    assert "Choose a user or an app as well" not in page


def test_filters_by_what_belongs_to_a_memory(browser, tea, trip):
    drinks = Category.objects.create(name="drinks")
    tea.add_categories([drinks])
    Memory.objects.filter(pk=tea.pk).update(actor="Alice", conversation="c-1")
    chosen = {
        "user": tea.user_id, "app": tea.app_id, "category": drinks.pk, "actor": "Alice",
        "conversation": "c-1",
    }  # fmt: skip

    page = text_of(browser, LIST, **chosen)

    assert "Alice likes green tea." in page
    assert "Bob travels" not in page
    assert "Alice likes" not in text_of(browser, LIST, **{**chosen, "conversation": "c-2"})


@pytest.mark.parametrize("name", ["user", "app", "category"])
def test_a_filter_by_no_id_filters_nothing(browser, tea, name):
    answer = browser.get(LIST, {name: "nobody"})

    assert answer.status_code == 302
    assert answer.headers["Location"] == f"{LIST}?e=1"


# --- Searching -------------------------------------------------------------------------------


def test_with_a_user_a_search_is_by_meaning_too(browser, tea, trip):
    page = text_of(browser, LIST, q="Which beverage is enjoyed?", user=tea.user_id)

    assert "hybrid search (vectors and keywords) among the active memories of alice" in page
    assert "Alice likes green tea." in page
    assert "Bob travels" not in page


def test_the_best_come_first_and_other_filters_hold(browser, alice, tea):
    other = Memory.objects.get(pk=alice.remember("The garden needs water.", app="coach")["id"])

    page = text_of(browser, LIST, q="watering the garden", user=tea.user_id)
    assert page.index("The garden needs") < page.index("Alice likes green tea.")

    page = text_of(browser, LIST, q="green tea", user=tea.user_id, app=other.app_id)
    assert "Alice likes green tea." not in page
    assert "The garden needs water." in page


def test_in_other_states_words_are_searched(browser, tea):
    Memory.objects.filter(pk=tea.pk).change_state(State.ARCHIVED, by=tea.user)
    chosen = {"user": tea.user_id, "state__exact": "archived"}

    page = text_of(browser, LIST, q="teas green", **chosen)
    assert "Memories of alice that contain all of these words" in page
    assert "Alice likes green tea." in page

    assert "Alice likes green tea." not in text_of(browser, LIST, q="black tea", **chosen)


def test_without_a_user_the_words_of_everybody_are_searched(browser, tea, trip):
    page = text_of(browser, LIST, q="train Lisbon")

    assert "Memories of all users that contain all of these words" in page
    assert "Bob travels" in page
    assert "Alice likes green tea." not in page


def test_a_memory_is_found_by_its_id(browser, tea, trip):
    page = text_of(browser, LIST, q=str(trip.pk))

    assert "Bob travels" in page
    assert "Alice likes green tea." not in page


@pytest.mark.parametrize("text", ["the", "  ", "'&|!", "x" * 5000, "%", "😀"])
def test_any_text_can_be_searched_for(browser, tea, text):
    assert browser.get(LIST, {"q": text}).status_code == 200
    assert browser.get(LIST, {"q": text, "user": tea.user_id}).status_code == 200


def test_a_search_takes_a_bounded_number_of_statements(
    browser, alice, django_assert_max_num_queries
):
    stock(alice.user, [f"Number {number} of the garden." for number in range(120)])
    browser.get(LIST)

    with django_assert_max_num_queries(14):
        text_of(browser, LIST, q="garden", user=alice.user.pk)


# --- Several ---------------------------------------------------------------------------------


def test_the_selected_are_paused_and_resumed(browser, root, tea, trip):
    select(browser, "pause_selected", tea)

    answer = select(browser, "pause_selected", tea, trip)

    sentence = "1 of 2 memories is now paused. The others already were paused."
    assert sentence in answer.content.decode()
    assert set(Memory.objects.values_list("state", flat=True)) == {"paused"}
    assert trip.state_changes.last().changed_by == root
    assert LogEntry.objects.count() == 3
    select(browser, "resume_selected", tea, trip)
    assert set(Memory.objects.values_list("state", flat=True)) == {"active"}


def test_the_selected_are_all_changed_or_none(browser, tea, trip):
    Memory.objects.filter(pk=tea.pk).change_state(State.DELETED, by=tea.user)

    answer = select(browser, "archive_selected", tea, trip)

    assert "cannot be restored" in answer.content.decode()
    trip.refresh_from_db()
    assert trip.state == "active"
    assert not LogEntry.objects.exists()


def test_the_selected_are_deleted_once_that_is_confirmed(browser, tea, trip):
    asked = select(browser, "discard_selected", tea, trip)
    assert "Delete 2 memories" in asked.content.decode()
    assert set(Memory.objects.values_list("state", flat=True)) == {"active"}

    select(browser, "discard_selected", tea, trip, confirmed="yes")

    assert set(Memory.objects.values_list("state", flat=True)) == {"deleted"}


def test_all_that_match_are_changed_not_those_of_the_page_alone(browser, alice, trip):
    stock(alice.user, [f"Number {number}." for number in range(60)])
    address = f"{LIST}?user={alice.user.pk}"
    assert "Select all 60 memories" in text_of(browser, address)
    one = Memory.objects.filter(user=alice.user).first()
    form = {"action": "pause_selected", "_selected_action": [str(one.pk)], "select_across": "1"}

    browser.post(address, {**form, "index": "0"})

    paused = Memory.objects.filter(state=State.PAUSED)
    assert paused.filter(user=alice.user).count() == 60
    assert not paused.filter(pk=trip.pk).exists()
    assert LogEntry.objects.count() == 60
    asked = browser.post(address, {**form, "action": "discard_selected", "index": "0"})
    assert "Delete 60 memories" in asked.content.decode()
    more = {"action": "discard_selected", "index": "0", "confirmed": "yes"}
    browser.post(address, {**form, **more})
    assert Memory.objects.filter(user=alice.user, state=State.DELETED).count() == 60


def test_a_question_is_answered_by_meaning_where_only_one_user_has_memories(browser, tea):
    page = text_of(browser, LIST, q="Which hot drink does Alice enjoy?")

    assert "Alice likes green tea." in page
    assert "<small> " in page


def test_an_operator_adds_a_memory(browser, root, alice):
    form = {"user": "alice", "app": "notes", "text": "Alice plays\r\nthe cello"}
    page = "/admin/memories/memory/add/"

    answer = browser.post(page, form)

    memory = Memory.objects.get()
    assert answer.headers["Location"] == f"{LIST}{memory.pk}/change/"
    assert (memory.user, memory.app.name, memory.content) == (
        alice.user, "notes", "Alice plays\nthe cello",
    )  # fmt: skip
    assert LogEntry.objects.get().is_addition()
    assert "cello" not in LogEntry.objects.get().get_change_message()
    for wrong in ({"user": "nobody"}, {"text": " "}, {"app": ""}, {"text": "x" * 40_000}):
        assert browser.post(page, {**form, **wrong}).status_code == 200
    assert Memory.objects.count() == 1


def test_who_only_sees_adds_nothing(reading, alice):
    form = {"user": "alice", "app": "notes", "text": "Alice plays the cello"}

    assert reading.post("/admin/memories/memory/add/", form).status_code == 403
    assert "memory/add/" not in text_of(reading, LIST)
    assert not Memory.objects.exists()


def test_an_action_on_what_cannot_be_a_row_says_so(browser, alice):
    memory = alice.remember("Tea", infer=False)
    form = {"action": "pause_selected", "_selected_action": [memory["id"], "nonsense"]}

    answer = browser.post("/admin/memories/memory/", form, follow=True)

    assert answer.status_code == 200
    assert "Nothing was done: a chosen row has no valid id." in answer.content.decode()
    assert Memory.objects.get().state == "active"
