"""The pages of memories: what operators find, read and do there, and who may not."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts.models import User
from memories.models import Category, EmbeddingSpace, Memory, State
from tests.admin.conftest import browser_of
from tests.memories.stock import stock

LIST = "/admin/memories/memory/"
PRESSED = {"_form_submitted": "on"}


def page_of(memory: Memory) -> str:
    return reverse("admin:memories_memory_change", args=[memory.pk])


def button_of(memory: Memory, name: str) -> str:
    return reverse(f"admin:memories_memory_{name}", args=[memory.pk])


def text_of(browser: Client, address: str, **query: Any) -> str:
    answer = browser.get(address, query)
    assert answer.status_code == 200, answer
    return answer.content.decode()


def select(browser: Client, action: str, *memories: Memory, **more: str) -> Any:
    chosen = {"action": action, "_selected_action": [str(memory.pk) for memory in memories]}
    return browser.post(LIST, {**chosen, **more}, follow=True)


@pytest.fixture
def tea(alice) -> Memory:
    return Memory.objects.get(pk=alice.remember("Alice likes green tea.")["id"])


@pytest.fixture
def trip(bob) -> Memory:
    return Memory.objects.get(pk=bob.remember("Bob travels to Lisbon by train.")["id"])


# --- The list --------------------------------------------------------------------------------


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

    with django_assert_max_num_queries(15):
        page = text_of(browser, LIST)

    assert page.count("Number ") == 50


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"state__exact": "paused"}, ["Alice likes green tea."]),
        ({"state__exact": "archived"}, []),
        ({"created_at_from": "2000-01-01"}, ["Alice likes green tea.", "Bob travels"]),
        ({"created_at_to": "2000-01-01"}, []),
        ({"created_at_to": "nonsense"}, ["Alice likes green tea.", "Bob travels"]),
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


def test_an_actor_is_looked_for_in_the_memories_of_one_user(browser, tea):
    assert "Choose a user or an app as well" in text_of(browser, LIST, actor="Alice")
    page = text_of(browser, LIST, actor="Alice", user=tea.user_id)
    assert "Choose a user or an app as well" not in page


def test_filters_by_what_belongs_to_a_memory(browser, tea, trip):
    drinks = Category.objects.create(name="drinks")
    tea.put_in([drinks])
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

    assert "by meaning and by words among the active memories of alice" in page
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
    assert "Memories of alice that have all of these words" in page
    assert "Alice likes green tea." in page

    assert "Alice likes green tea." not in text_of(browser, LIST, q="black tea", **chosen)


def test_without_a_user_the_words_of_everybody_are_searched(browser, tea, trip):
    page = text_of(browser, LIST, q="train Lisbon")

    assert "Memories of everybody that have all of these words" in page
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

    with django_assert_max_num_queries(25):
        text_of(browser, LIST, q="garden", user=alice.user.pk)


# --- One memory ------------------------------------------------------------------------------


def test_its_page_tells_all_of_it(browser, alice, tea):
    alice.put(f"/memories/{tea.pk}", {"memory_content": "Alice likes black tea."})
    older = Memory.objects.get(pk=alice.remember("Alice hates tea.", infer=False)["id"])
    Memory.objects.filter(pk=older.pk).put_aside_for(tea, by=alice.user, reason="superseded")
    Memory.objects.filter(pk=tea.pk).update(metadata={"source": "a chat"}, actor="Alice")

    page = text_of(browser, page_of(tea))

    assert "Alice likes black tea." in page
    assert "Alice likes green tea." in page  # what it said before
    assert "a chat" in page
    assert "Took the place of" in page
    assert "Alice hates tea." in page
    assert button_of(older, "bring_back") in page
    assert str(EmbeddingSpace.objects.current()) in page
    assert "Put aside for" in text_of(browser, page_of(older))


def test_its_page_shows_what_was_said_around_it(browser, alice):
    said = [
        Memory.objects.get(
            pk=alice.remember(text, infer=False, conversation="c-1", actor="Ann")["id"]
        )
        for text in ("The kettle broke.", "So there is no tea.", "Coffee then.")
    ]

    page = text_of(browser, page_of(said[1]))

    assert "1 before it, said by Ann" in page
    assert "1 after it, said by Ann" in page
    assert "The kettle broke." in page
    assert "Coffee then." in page


def test_its_page_asks_as_many_statements_whatever_happened(
    browser, alice, tea, django_assert_max_num_queries
):
    others = stock(alice.user, [f"Number {number}." for number in range(40)])
    category = Category.objects.create(name="numbers")
    for memory in [tea, *others]:
        memory.put_in([category])
    Memory.objects.filter(pk__in=[each.pk for each in others[:30]]).put_aside_for(
        tea, by=alice.user, reason="superseded"
    )
    for number in range(30):
        alice.put(f"/memories/{tea.pk}", {"memory_content": f"Tea, {number}."})
        tea.refresh_from_db()
    browser.get(page_of(tea))

    with django_assert_max_num_queries(40):
        text_of(browser, page_of(tea))


@pytest.mark.parametrize("name", ["change", "edit"])
def test_who_opens_a_memory_is_written_to_its_access_log(browser, alice, tea, name):
    browser.get(button_of(tea, name))

    [line] = alice.get(f"/memories/{tea.pk}/access-log").json()["logs"]
    assert (line["access_type"], line["app_id"]) == ("admin", None)
    assert line["metadata_"] == {"operator": "root"}


def test_who_opens_their_own_memory_is_not(root):
    [memory] = stock(root, ["My own."])

    browser_of(root).get(page_of(memory))

    assert not memory.accesses.exists()


@pytest.mark.parametrize(
    ("state", "name", "becomes"),
    [
        ("active", "pause", "paused"),
        ("paused", "resume", "active"),
        ("active", "archive", "archived"),
        ("paused", "archive", "archived"),
        ("archived", "bring_back", "active"),
        ("archived", "discard", "deleted"),
    ],
)
def test_buttons_change_its_state_and_its_history(browser, root, tea, state, name, becomes):
    Memory.objects.filter(pk=tea.pk).change_state(State(state), by=tea.user)
    assert button_of(tea, name) in text_of(browser, page_of(tea))

    browser.post(button_of(tea, name), PRESSED)

    tea.refresh_from_db()
    last = tea.state_changes.last()
    assert (tea.state, last.new_state, last.changed_by) == (becomes, becomes, root)
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_repr) == (root, str(tea.pk))
    assert "tea" not in entry.change_message


def test_a_superseded_memory_comes_back_without_its_link(browser, alice, tea):
    older = Memory.objects.get(pk=alice.remember("Alice hates tea.", infer=False)["id"])
    Memory.objects.filter(pk=older.pk).put_aside_for(tea, by=alice.user, reason="superseded")

    browser.post(button_of(older, "bring_back"), PRESSED)

    older.refresh_from_db()
    tea.refresh_from_db()
    assert (older.state, older.superseded_by, tea.state) == ("active", None, "active")


def test_nobody_brings_back_what_was_deleted(browser, tea):
    Memory.objects.filter(pk=tea.pk).change_state(State.DELETED, by=tea.user)
    page = text_of(browser, page_of(tea))
    for name in ("edit", "pause", "resume", "bring_back", "archive", "discard"):
        assert button_of(tea, name) not in page

    answer = browser.post(button_of(tea, "bring_back"), PRESSED, follow=True)

    assert "cannot be brought back" in answer.content.decode()
    tea.refresh_from_db()
    assert tea.state == "deleted"
    assert not LogEntry.objects.exists()


def test_a_memory_that_is_not_there_is_not_found(browser, tea):
    tea.pk = uuid4()

    assert browser.get(button_of(tea, "edit")).status_code == 404
    assert browser.post(button_of(tea, "pause"), PRESSED).status_code == 404


# --- Editing ---------------------------------------------------------------------------------


def seen(browser: Client, memory: Memory) -> str:
    return browser.get(button_of(memory, "edit")).context["form"].initial["seen"]


def test_an_edit_is_a_revision_and_embeds_anew(browser, root, tea):
    sent = {"content": "Alice likes\r\nblack tea.", "seen": seen(browser, tea)}

    answer = browser.post(button_of(tea, "edit"), sent)

    assert answer.headers["Location"] == page_of(tea)
    tea.refresh_from_db()
    assert tea.content == "Alice likes\nblack tea."
    revision = tea.revisions.get()
    assert (revision.content, revision.edited_by) == ("Alice likes green tea.", root)
    assert tea.embeddings.count() == 1
    assert "tea" not in LogEntry.objects.get().change_message


def test_an_edit_that_changes_nothing_is_none(browser, tea):
    Memory.objects.filter(pk=tea.pk).update(content="One.\r\nTwo.")

    browser.post(button_of(tea, "edit"), {"content": "One.\r\nTwo.", "seen": seen(browser, tea)})

    tea.refresh_from_db()
    assert tea.content == "One.\r\nTwo."
    assert not tea.revisions.exists()
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize(
    ("content", "why"),
    [("", "required"), ("  ", "blank"), ("x" * 32769, "at most 32768 bytes"), ("a\0b", "Null")],
)
def test_an_edit_is_refused_as_by_the_api(browser, tea, content, why):
    answer = browser.post(button_of(tea, "edit"), {"content": content, "seen": seen(browser, tea)})

    assert answer.status_code == 200
    assert why in answer.content.decode()
    tea.refresh_from_db()
    assert tea.content == "Alice likes green tea."


def test_an_edit_does_not_undo_what_came_meanwhile(browser, alice, tea):
    opened = seen(browser, tea)
    alice.put(f"/memories/{tea.pk}", {"memory_content": "Alice likes white tea."})

    answer = browser.post(button_of(tea, "edit"), {"content": "Other.", "seen": opened})

    assert "changed since you opened this page" in answer.content.decode()
    tea.refresh_from_db()
    assert tea.content == "Alice likes white tea."


# --- Several ---------------------------------------------------------------------------------


def test_the_selected_are_paused_and_resumed(browser, root, tea, trip):
    select(browser, "pause_selected", tea)

    answer = select(browser, "pause_selected", tea, trip)

    assert "Now paused: 1 of 2 memories. The others were so before." in answer.content.decode()
    assert set(Memory.objects.values_list("state", flat=True)) == {"paused"}
    assert trip.state_changes.last().changed_by == root
    assert LogEntry.objects.count() == 3
    select(browser, "resume_selected", tea, trip)
    assert set(Memory.objects.values_list("state", flat=True)) == {"active"}


def test_the_selected_are_all_changed_or_none(browser, tea, trip):
    Memory.objects.filter(pk=tea.pk).change_state(State.DELETED, by=tea.user)

    answer = select(browser, "archive_selected", tea, trip)

    assert "cannot be brought back" in answer.content.decode()
    trip.refresh_from_db()
    assert trip.state == "active"
    assert not LogEntry.objects.exists()


def test_the_selected_are_deleted_once_that_is_confirmed(browser, tea, trip):
    asked = select(browser, "discard_selected", tea, trip)
    assert "Delete 2 memories" in asked.content.decode()
    assert set(Memory.objects.values_list("state", flat=True)) == {"active"}

    select(browser, "discard_selected", tea, trip, confirmed="yes")

    assert set(Memory.objects.values_list("state", flat=True)) == {"deleted"}


# --- Who may not -----------------------------------------------------------------------------

BUTTONS = ("edit", "pause", "resume", "bring_back", "archive", "discard")


def test_who_only_sees_can_do_nothing(reading, tea):
    page = text_of(reading, page_of(tea))

    for name in BUTTONS:
        assert button_of(tea, name) not in page
        assert reading.get(button_of(tea, name)).status_code == 403
        assert reading.post(button_of(tea, name), PRESSED).status_code == 403
    for action in ("pause_selected", "archive_selected", "discard_selected"):
        select(reading, action, tea, confirmed="yes")
    tea.refresh_from_db()
    assert (tea.state, tea.content) == ("active", "Alice likes green tea.")


def test_who_may_change_memories_may_not_delete_them(reader, tea):
    reader.user_permissions.add(Permission.objects.get(codename="change_memory"))
    editor = browser_of(reader)

    assert editor.post(button_of(tea, "discard"), PRESSED).status_code == 403
    select(editor, "discard_selected", tea, confirmed="yes")
    tea.refresh_from_db()
    assert tea.state == "active"

    editor.post(button_of(tea, "pause"), PRESSED)
    tea.refresh_from_db()
    assert tea.state == "paused"


def test_whoever_may_see_no_memories_leaves_no_trace_and_reads_nothing(client, tea, db):
    client.force_login(User.objects.create_user("nobody", is_staff=True))

    for address in (LIST, page_of(tea), button_of(tea, "edit")):
        answer = client.get(address, {"q": "tea", "user": tea.user_id})
        assert answer.status_code == 403
        assert "green tea" not in answer.content.decode()
    assert not tea.accesses.exists()


def test_strangers_are_sent_to_sign_in(client, tea):
    for address in (LIST, page_of(tea), *(button_of(tea, name) for name in BUTTONS)):
        for answer in (client.get(address), client.post(address, PRESSED)):
            assert answer.status_code == 302
            assert "/admin/login/" in answer.headers["Location"]
    tea.refresh_from_db()
    assert tea.state == "active"


def test_nothing_is_changed_without_a_token(root, tea):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(root)

    assert strict.post(button_of(tea, "pause"), PRESSED).status_code == 403
    assert strict.post(button_of(tea, "edit"), {"content": "Other."}).status_code == 403
    tea.refresh_from_db()
    assert (tea.state, tea.content) == ("active", "Alice likes green tea.")


def test_no_memory_is_made_or_removed_here(browser, tea):
    assert browser.get("/admin/memories/memory/add/").status_code == 403
    address = reverse("admin:memories_memory_delete", args=[tea.pk])
    assert browser.post(address, {"post": "yes"}).status_code == 403
