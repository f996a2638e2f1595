"""The page of one memory, and the forms to add and to edit one."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps_registry.models import App
from memories.models import Memory, Revision


@pytest.fixture
def memory_id(alice):
    fields = {"app": "notes", "actor": "Ana", "conversation": "pets", "infer": False}
    return alice.remember("Rex is a dog", timestamp=1_700_000_000, **fields)["id"]


def content_of(answer):
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def form_of(browser, memory_id):
    """What the form to edit a memory would send as it stands."""
    page = content_of(browser.get(f"/memories/{memory_id}/edit"))
    values = dict(re.findall(r'<input[^>]*name="(\w+)"[^>]*value="([^"]*)"', page))
    values["etag"] = values["etag"].replace("&quot;", '"')
    values["text"] = re.search(r"<textarea[^>]*>\r?\n?([^<]*)</textarea>", page)[1]
    return {name: value for name, value in values.items() if name != "immutable"}


def test_the_page_says_all_about_a_memory(browser, alice, memory_id):
    alice.remember("Rex barks", app="notes", conversation="pets", timestamp=1_700_000_100)
    alice.post("/memories/search", {"query": "Rex", "app": "coder"})
    alice.patch(f"/memories/{memory_id}", {"text": "Rex is a cat", "metadata": {"a": 1}})

    page = content_of(browser.get(f"/memories/{memory_id}"))

    assert "Rex is a cat" in page
    assert "Changed: text, metadata" in page
    assert '<blockquote dir="auto">Rex is a dog</blockquote>' in page
    assert "Rex barks" in page
    assert "coder" in page
    assert "When, and how" in page
    assert "coder · found by a search ·" in page
    assert "14 Nov 2023, 22:13" in page
    assert "you, through" in page


def test_the_history_says_what_else_it_was(browser, memory_id):
    form = {**form_of(browser, memory_id), "text": "Rex", "categories": "pets", "actor": "Ben"}
    browser.post(f"/memories/{memory_id}/edit", {**form, "expires_at": "2999-01-01T00:00"})
    form = {**form_of(browser, memory_id), "categories": "dogs", "actor": "", "immutable": "on"}
    browser.post(f"/memories/{memory_id}/edit", {**form, "expires_at": ""})

    page = content_of(browser.get(f"/memories/{memory_id}"))

    former = re.findall(r'<p class="faint" dir="auto">(.*?) before: (.*?)</p>', page)
    assert [(name, re.sub("<.*?>", "", value)) for name, value in former] == [
        ("categories", "pets"),
        ("who said it", "Ben"),
        ("lock", "no"),
        ("when it is forgotten", "1 Jan 2999, 00:00"),
        ("categories", "nothing"),
        ("who said it", "Ana"),
        ("when it is forgotten", "nothing"),
    ]


def test_what_has_no_category_is_related_to_what_is_alike(browser, alice, memory_id):
    alice.remember("Rex is a big dog", infer=False)
    alice.remember("Taxes are due in June", infer=False)

    page = content_of(browser.get(f"/memories/{memory_id}"))

    related = page.partition('<h2 id="related">')[2]
    assert "Rex is a big dog" in related
    assert "Taxes" not in related


def test_the_page_asks_as_many_queries_whatever_there_is_to_show(browser, alice, memory_id):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            content_of(browser.get(f"/memories/{memory_id}"))
        return len(captured)

    for _ in range(2):
        alice.post("/memories/search", {"query": "Rex", "app": "a"})
        text = f"Rex {_}"
        alice.patch(f"/memories/{memory_id}", {"text": text})
        alice.remember(text, app="notes", conversation="pets", infer=False)
    before = queries()
    for number in range(5):
        alice.post("/memories/search", {"query": "Rex", "app": f"app {number}"})
        alice.patch(f"/memories/{memory_id}", {"text": f"Rex the {number}"})
        alice.remember(f"Rex {number}", app="notes", conversation="pets", infer=False)

    assert queries() == before


@pytest.mark.parametrize("path", ["", "/edit"])
def test_nobody_sees_the_memory_of_somebody_else_or_a_deleted_one(browser, bob, alice, path):
    foreign = bob.remember("Bob's own")["id"]
    deleted = alice.remember("Gone")["id"]
    alice.delete(f"/memories/{deleted}")
    unknown = "00000000-0000-0000-0000-000000000001"

    answers = [browser.get(f"/memories/{pk}{path}") for pk in (foreign, deleted, unknown, "x")]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert "Bob" not in answers[0].content.decode()
    assert browser.post(f"/memories/{foreign}/edit", {"text": "x"}).status_code == 404


def test_an_expired_memory_is_shown_and_brought_back(browser, alice, memory_id):
    Memory.objects.filter(pk=memory_id).update(expires_at="2020-01-01T00:00Z")
    assert "expired" in content_of(browser.get(f"/memories/{memory_id}"))

    browser.post(f"/memories/{memory_id}/edit", {**form_of(browser, memory_id), "expires_at": ""})

    assert Memory.objects.get(pk=memory_id).expires_at is None


def test_it_is_told_whether_a_question_finds_it(browser, alice, memory_id):
    found = content_of(browser.get(f"/memories/{memory_id}?question=Is Rex a dog?"))
    alice.post("/memories/actions/pause", {"memory_ids": [memory_id], "state": "paused"})
    headers = {"HX-Request": "true", "HX-Target": "asked"}
    paused = content_of(
        browser.get(f"/memories/{memory_id}?question=Is Rex a dog?", headers=headers)
    )

    assert "found in place 1" in found
    assert "It is paused" in paused
    assert "<html" not in paused


# --- Editing -------------------------------------------------------------------------------


def test_a_form_that_is_sent_as_it_is_changes_nothing(browser, memory_id):
    answer = browser.post(f"/memories/{memory_id}/edit", form_of(browser, memory_id))

    assert answer.headers["Location"] == f"/memories/{memory_id}"
    assert Revision.objects.count() == 0


def test_all_of_a_memory_is_edited_at_once(browser, alice, memory_id):
    changed = {
        "text": "Rex is\r\na cat", "categories": "Pets, home,", "actor": "Bo", "conversation": "",
        "said_at": "2024-02-03T04:05", "valid_from": "2024-01-01T00:00",
        "valid_until": "2030-01-01T00:00", "expires_at": "2031-01-01T00:00", "immutable": "on",
    }  # fmt: skip

    browser.post(f"/memories/{memory_id}/edit", {**form_of(browser, memory_id), **changed})

    memory = alice.get(f"/memories/{memory_id}").json()
    assert memory == {
        **memory,
        "text": "Rex is\na cat",
        "categories": ["home", "pets"],
        "actor": "Bo",
        "conversation": None,
        "created_at": 1706933100,
        "valid_from": 1704067200,
        "valid_until": 1893456000,
        "expires_at": 1924992000,
        "immutable": True,
    }
    assert Revision.objects.count() == 1


def test_no_edit_of_somebody_else_is_lost(browser, alice, memory_id):
    form = form_of(browser, memory_id)
    alice.patch(f"/memories/{memory_id}", {"text": "Rex is a wolf"})

    stale = browser.post(f"/memories/{memory_id}/edit", {**form, "text": "Rex is a cat"})

    page = stale.content.decode()
    assert stale.status_code == 412
    assert "Rex is a wolf" in page
    assert "Rex is a cat" in page
    assert alice.get(f"/memories/{memory_id}").json()["text"] == "Rex is a wolf"
    etag = re.search(r'name="etag" value="([^"]*)"', page)[1].replace("&quot;", '"')
    browser.post(f"/memories/{memory_id}/edit", {**form, "text": "Rex is a cat", "etag": etag})
    assert alice.get(f"/memories/{memory_id}").json()["text"] == "Rex is a cat"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"text": ""}, "required"),
        ({"text": "\u200b"}, "at least one character that can be seen"),
        ({"text": "ä" * 16_385}, "at most 32768 bytes"),
        ({"text": "a\0b"}, "Null characters"),
        ({"categories": "x" * 101}, "1 to 100 characters"),
        ({"categories": ",".join(map(str, range(101)))}, "no more than 100 elements"),
        ({"actor": "x" * 256}, "at most 255"),
        ({"said_at": "yesterday"}, "valid date/time"),
        ({"said_at": "2200-01-01T00:00"}, "in the future"),
        ({"valid_from": "2024-01-02T00:00", "valid_until": "2024-01-01T00:00"}, "later than"),
        ({"etag": ""}, "required"),
    ],
)
def test_what_the_api_refuses_the_form_refuses(browser, memory_id, changed, said):
    form = {**form_of(browser, memory_id), **changed}

    answer = browser.post(f"/memories/{memory_id}/edit", form)

    assert answer.status_code in (400, 409)
    assert said in answer.content.decode()
    assert Revision.objects.count() == 0


def test_a_locked_memory_is_unlocked_before_it_is_edited(browser, alice, memory_id):
    alice.patch(f"/memories/{memory_id}", {"immutable": True})
    form = {**form_of(browser, memory_id), "text": "Rex is a cat"}

    locked = browser.post(f"/memories/{memory_id}/edit", {**form, "immutable": "on"})
    unlocked = browser.post(f"/memories/{memory_id}/edit", form)

    assert (locked.status_code, unlocked.status_code) == (409, 302)


# --- Adding --------------------------------------------------------------------------------


def test_a_memory_is_added(browser, alice):
    answer = browser.post("/memories/new", {"text": "My dog is called Rex"})

    [memory] = alice.get("/memories").json()["items"]
    assert answer.headers["Location"] == f"/memories/{memory['id']}"
    assert (memory["content"], memory["app_name"]) == ("My dog is called Rex", "openmemory")
    assert memory["categories"] == ["pets"]
    assert "was stored" in content_of(browser.get("/memories"))


def test_a_memory_is_added_as_it_is(browser, alice):
    browser.post("/memories/new", {"text": "My dog is called Rex", "as_it_is": "on", "actor": "Bo"})

    [memory] = alice.get("/memories").json()["items"]
    assert (memory["categories"], memory["actor"]) == ([], "Bo")


def test_what_is_known_is_said(browser, alice):
    for _ in range(2):
        browser.post("/memories/new", {"text": "My dog is called Rex"})

    assert "was known already" in content_of(browser.get("/memories"))
    assert Memory.objects.count() == 1


def test_nothing_is_added_through_a_paused_app(browser, alice):
    App.objects.create(owner=alice.user, name="openmemory", is_active=False)

    answer = browser.post("/memories/new", {"text": "My dog"})

    assert answer.status_code == 409
    assert "is paused" in answer.content.decode()
    assert Memory.objects.count() == 0


def test_nothing_that_is_no_text_is_added(browser):
    assert browser.post("/memories/new", {"text": " \n "}).status_code == 400
    assert browser.post("/memories/new", {}).status_code == 400
    assert Memory.objects.count() == 0
