"""Apps: what they stored and read, pausing them, and rules for what they may read."""

from __future__ import annotations

import html
import re
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps_registry.models import AccessRule, App
from memories.models import Memory


def page_of(answer, status=200):
    assert answer.status_code == status, answer.content
    return html.unescape(answer.content.decode())


@pytest.fixture
def notes(alice):
    """An app that has stored two memories, and its page."""
    for text in ("Rex is a dog", "Tea is green"):
        alice.remember(text, app="notes", infer=False)
    return App.objects.get(owner=alice.user, name="notes")


def ids_of(alice):
    memories = Memory.objects.filter(user=alice.user).order_by("arrival")
    return [str(pk) for pk in memories.values_list("pk", flat=True)]


def test_the_list_says_what_each_stored_and_read_and_when_it_was_seen(browser, alice, notes):
    alice.post("/memories/search", {"query": "Rex", "app": "coder"})

    page = page_of(browser.get("/apps"))

    assert "2 memories stored" in page
    assert "2 memories read" in page
    assert page.index("last seen") > 0
    coder = App.objects.get(name="coder")
    alice.post("/memories/search", {"query": "Rex", "app": "coder"})
    own = page_of(browser.get(f"/apps/{coder.pk}"))
    assert "2 memories, 4 times" in own
    assert "Each memory counts once here" in own
    assert "never seen" not in page


def test_an_app_was_seen_when_it_stored_whatever_time_it_names(browser, alice):
    alice.remember("Now", app="notes", infer=False)
    alice.remember("Long ago", app="notes", timestamp=946_684_800, infer=False)
    alice.remember("Long before", app="diary", timestamp=915_148_800, infer=False)

    page = page_of(browser.get("/apps"))

    seen = re.findall(r'last seen <time datetime="(\d+)-', page)
    assert seen == [str(timezone.localtime().year)] * 2


def test_the_pages_ask_as_many_queries_whatever_there_is(browser, alice, notes):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            for path in ("/apps", f"/apps/{notes.pk}", "/reads", "/keys", "/data", "/end-users"):
                page_of(browser.get(path))
        return len(captured)

    alice.post("/memories/search", {"query": "Rex", "app": "notes"})
    AccessRule.objects.create(app=notes, memory_id=ids_of(alice)[0], effect="deny")
    alice.with_key(app_name="notes")
    before = queries()
    for number in range(4):
        text = f"Rex {number}"
        alice.remember(text, app=f"app {number}", infer=False)
        alice.post("/memories/search", {"query": "Rex", "app": f"app {number}"})
        alice.post("/memories/search", {"query": "Rex", "app": "notes"})
        alice.with_key(app_name=f"app {number}")
    for pk in ids_of(alice)[1:]:
        AccessRule.objects.create(app=notes, memory_id=pk, effect="deny")

    assert queries() == before


def test_an_app_is_paused_and_resumed(browser, alice, notes):
    browser.post(f"/apps/{notes.pk}/state", {"do": "pause"})
    assert alice.post("/memories", {"text": "x", "app": "notes"}).status_code == 403
    assert "notes is paused" in page_of(browser.get(f"/apps/{notes.pk}"))

    browser.post(f"/apps/{notes.pk}/state", {"do": "resume"})
    assert alice.post("/memories", {"text": "x", "app": "notes"}).status_code == 200


def test_rules_are_made_of_memories_that_one_picks(browser, alice, notes):
    found = page_of(browser.get(f"/apps/{notes.pk}?q=Rex+the+dog"))
    rex = Memory.objects.get(content="Rex is a dog")
    assert str(rex.pk) in found

    browser.post(f"/apps/{notes.pk}/rules", {"do": "deny", "ids": [rex.pk]})

    page = page_of(browser.get(f"/apps/{notes.pk}"))
    assert "The rule for 1 memory holds." in page
    assert "Everything but the memories that are listed here." in page
    assert "At present that is 1 active memory." in page
    reader = alice.with_key(app_name="notes")
    assert reader.get(f"/memories/{rex.pk}").status_code == 404
    rule = AccessRule.objects.get(app=notes)
    browser.post(f"/apps/{notes.pk}/rules/{rule.pk}/delete")
    assert reader.get(f"/memories/{rex.pk}").status_code == 200


def test_an_app_reads_nothing_or_only_what_is_allowed(browser, alice, notes):
    rex = Memory.objects.get(content="Rex is a dog")
    rules = f"/apps/{notes.pk}/rules"
    reader = alice.with_key(app_name="notes")

    browser.post(rules, {"do": "allow", "ids": [rex.pk]})
    assert reader.get("/memories").json()["total"] == 1
    assert "Only the memories" in page_of(browser.get(f"/apps/{notes.pk}"))
    browser.post(rules, {"do": "deny all"})
    assert reader.get("/memories").json()["total"] == 0
    assert "Nothing." in page_of(browser.get(f"/apps/{notes.pk}"))


@pytest.mark.parametrize(
    "form",
    [{}, {"do": "allow all"}, {"do": "destroy"}, {"do": "deny", "ids": ["x"]},
     {"do": "deny", "ids": [str(uuid.UUID(int=number)) for number in range(26)]}],
)  # fmt: skip
def test_a_rule_that_makes_no_sense_is_refused(browser, notes, form):
    expected = 302 if form == {"do": "allow all"} else 400

    assert browser.post(f"/apps/{notes.pk}/rules", form).status_code == expected
    assert not AccessRule.objects.exists()


def test_nobody_makes_rules_with_the_memories_or_the_apps_of_others(browser, alice, bob, notes):
    foreign = bob.remember("Bob's own", app="bobs", infer=False)["id"]
    bobs = App.objects.get(owner=bob.user, name="bobs")

    assert (
        browser.post(f"/apps/{notes.pk}/rules", {"do": "deny", "ids": [foreign]}).status_code == 404
    )
    for method, path in (("get", ""), ("post", "/state"), ("post", "/rules")):
        form = {"do": "deny all"}
        assert getattr(browser, method)(f"/apps/{bobs.pk}{path}", form).status_code == 404
    assert not AccessRule.objects.exists()
    assert App.objects.get(pk=bobs.pk).is_active


def test_all_that_an_app_stored_is_paused_after_the_number_was_said(browser, alice, notes):
    alice.remember("Not of notes", app="other", infer=False)
    form = {"scope": "all", "do": "pause", "query": f"app={notes.pk}&state=all"}

    asked = page_of(browser.post("/memories/change", form))
    browser.post("/memories/change", {**form, "count": "2"})

    assert "Pause 2 memories?" in asked
    assert Memory.objects.filter(state="paused").count() == 2


def test_what_was_read_is_said_as_a_person_says_it(browser, alice, notes):
    for _ in range(2):
        alice.post("/memories/search", {"query": "Rex", "app": "coder"})
    alice.remember("Not of coder", app="other", infer=False)
    coder = App.objects.get(name="coder")

    page = page_of(browser.get("/reads"))

    assert "coder looked at 2 memories" in page
    assert "(4 times)" in page
    assert "found by a search" in page
    assert "<rect" in page
    assert "coder looked at" in page_of(browser.get(f"/reads?app={coder.pk}&days=7"))
    assert "Nothing was read" in page_of(browser.get(f"/reads?app={notes.pk}"))


def test_what_others_read_is_not_shown(browser, bob):
    bob.remember("Bob's own", app="bobs", infer=False)
    bob.post("/memories/search", {"query": "own", "app": "bobs"})
    bobs = App.objects.get(name="bobs")

    for address in ("/reads", f"/reads?app={bobs.pk}", "/reads?app=x&days=-1"):
        assert "Bob's own" not in page_of(browser.get(address))


def test_an_operator_who_opened_a_memory_is_named(browser, alice, olga, client, notes):
    rex = Memory.objects.get(content="Rex is a dog")
    client.force_login(olga.user)
    assert client.get(f"/admin/memories/memory/{rex.pk}/change/").status_code == 200

    assert "the operator olga" in page_of(browser.get("/reads"))
