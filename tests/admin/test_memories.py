"""The page of one memory: what operators read and do there."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from memories.models import Category, EmbeddingSpace, Memory, State
from tests.admin.conftest import browser_of
from tests.admin.memories import PRESSED, button_of, page_of, text_of
from tests.memories.stock import stock

pytestmark = pytest.mark.slow


def test_its_page_tells_all_of_it(browser, alice, tea):
    alice.put(f"/memories/{tea.pk}", {"memory_content": "Alice likes black tea."})
    older = Memory.objects.get(pk=alice.remember("Alice hates tea.", infer=False)["id"])
    Memory.objects.filter(pk=older.pk).supersede_by(tea, by=alice.user, reason="superseded")
    Memory.objects.filter(pk=tea.pk).update(metadata={"source": "a chat"}, actor="Alice")

    page = text_of(browser, page_of(tea))

    assert "Alice likes black tea." in page
    assert "Alice likes green tea." in page  # what it said before
    assert "a chat" in page
    assert "Supersedes" in page
    assert "Alice hates tea." in page
    assert button_of(older, "restore") in page
    assert str(EmbeddingSpace.objects.current()) in page
    assert "Superseded by" in text_of(browser, page_of(older))


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
        memory.add_categories([category])
    Memory.objects.filter(pk__in=[each.pk for each in others[:30]]).supersede_by(
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
        ("archived", "restore", "active"),
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
    Memory.objects.filter(pk=older.pk).supersede_by(tea, by=alice.user, reason="superseded")

    browser.post(button_of(older, "restore"), PRESSED)

    older.refresh_from_db()
    tea.refresh_from_db()
    assert (older.state, older.superseded_by, tea.state) == ("active", None, "active")


def test_nobody_brings_back_what_was_deleted(browser, tea):
    Memory.objects.filter(pk=tea.pk).change_state(State.DELETED, by=tea.user)
    page = text_of(browser, page_of(tea))
    for name in ("edit", "pause", "resume", "restore", "archive", "discard"):
        assert button_of(tea, name) not in page

    answer = browser.post(button_of(tea, "restore"), PRESSED, follow=True)

    assert "has changed since its page was opened" in answer.content.decode()
    tea.refresh_from_db()
    assert tea.state == "deleted"
    assert not LogEntry.objects.exists()


def test_a_memory_that_is_not_there_is_not_found(browser, tea):
    tea.pk = uuid4()

    assert browser.get(button_of(tea, "edit")).status_code == 404
    assert browser.post(button_of(tea, "pause"), PRESSED).status_code == 404


# --- Editing ---------------------------------------------------------------------------------


def version_shown(browser: Client, memory: Memory) -> str:
    return browser.get(button_of(memory, "edit")).context["form"].initial["version"]


def test_an_edit_is_a_revision_and_embeds_anew(browser, root, tea):
    sent = {"content": "Alice likes\r\nblack tea.", "version": version_shown(browser, tea)}

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

    browser.post(
        button_of(tea, "edit"), {"content": "One.\r\nTwo.", "version": version_shown(browser, tea)}
    )

    tea.refresh_from_db()
    assert tea.content == "One.\r\nTwo."
    assert not tea.revisions.exists()
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize(
    ("content", "why"),
    [("", "required"), ("  ", "blank"), ("x" * 32769, "at most 32768 bytes"), ("a\0b", "Null")],
)
def test_an_edit_is_refused_as_by_the_api(browser, tea, content, why):
    answer = browser.post(
        button_of(tea, "edit"), {"content": content, "version": version_shown(browser, tea)}
    )

    assert answer.status_code == 200
    assert why in answer.content.decode()
    tea.refresh_from_db()
    assert tea.content == "Alice likes green tea."


def test_an_edit_does_not_undo_what_came_meanwhile(browser, alice, tea):
    opened = version_shown(browser, tea)
    alice.put(f"/memories/{tea.pk}", {"memory_content": "Alice likes white tea."})

    answer = browser.post(button_of(tea, "edit"), {"content": "Other.", "version": opened})

    assert "changed since you opened this page" in answer.content.decode()
    tea.refresh_from_db()
    assert tea.content == "Alice likes white tea."
